// Starts Swagger UI on the merged description of all services.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true, // the address of the page names the open operation
  docExpansion: "list",
  filter: true,
  operationsSorter: "alpha",
  tagsSorter: "alpha",
  persistAuthorization: false, // an access token is not stored in the browser
  validatorUrl: null, // do not send the description to a validator of a third party
});
