#!/bin/bash
# The images of a release: make release VERSION=1.2.0 [IMAGES=registry.example/loctician]
# Resolves the base images to digests and refuses without them, builds every image from them, lists what is in them (SBOM, CycloneDX), and
# pushes them where IMAGES names a registry. What it records is in dist/<version>: `images.env` belongs into the `.env` of an installation.
set -euo pipefail
cd "$(dirname "$0")/../.."
refuse() { echo "Not released: $*" >&2; exit 1; }
version=${VERSION:-} images=${IMAGES:-} sbom="${UVX:-.venv/bin/uvx} --quiet --from"
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || refuse "VERSION must be a version such as 1.2.0"
[ -z "$(git status --porcelain)" ] || refuse "files differ from the commit: git status"
folder=dist/$version
[ ! -e "$folder" ] || refuse "$folder exists: a version is released once"

# Name of the setting -> tag@digest, for every image that .env.example names.
declare -A pinned
while IFS='=' read -r name tag; do
    tag=${!name:-$tag}
    digest=$(docker buildx imagetools inspect "$tag" 2> /dev/null | awk '/^Digest:/ { print $2; exit }') || true
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] ||
        refuse "the digest of $tag cannot be resolved: its registry does not answer, or does not have it"
    pinned[$name]=$tag@$digest
done < <(sed -n 's/^#\([A-Z]*_IMAGE=\)/\1/p' .env.example)

mkdir -p "$folder"
export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
given=(--build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD)" --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"
    --build-arg "CREATED=$(date --utc --date "@$SOURCE_DATE_EPOCH" +%FT%TZ)")
for name in "${!pinned[@]}"; do given+=(--build-arg "$name=${pinned[$name]}"); done

built=()
build() { # build NAME ARGUMENT...
    local image=${images:-loctician}/$1:$version
    echo "Building $image ..."
    docker build --quiet --tag "$image" "${given[@]}" "${@:2}" > /dev/null
    built+=("$image")
}
for service in auth booking calendar notifications gdpr gateway cli all; do
    build "$service" --build-arg "SERVICE=$service" --file deploy/Dockerfile .
done
build edge deploy/caddy
build postgres deploy/postgres

# The images of the services have the same layers, and so one list of each kind: Python's packages, and Debian's.
$sbom cyclonedx-bom==7.5.0 cyclonedx-py requirements deploy/requirements.lock --of JSON --output-reproducible -o "$folder/python.cdx.json"
for image in auth edge postgres; do
    container=$(docker create "${images:-loctician}/$image:$version")
    docker export "$container" > "$folder/root.tar"
    docker rm "$container" > /dev/null
    if tar -tf "$folder/root.tar" var/lib/dpkg/status > /dev/null 2>&1; then
        $sbom debsbom==0.10.2 debsbom generate --root "$folder/root.tar" --sbom-type cdx --out "$folder/debian-$image" > /dev/null
    fi
    rm "$folder/root.tar"
done

for name in "${!pinned[@]}"; do echo "$name=${pinned[$name]}"; done | sort > "$folder/images.env"
{ [ -z "$images" ] || echo "IMAGES=$images"; echo "VERSION=$version"; } >> "$folder/images.env"
for image in "${built[@]}"; do
    if [ -n "$images" ]; then
        docker push --quiet "$image" > /dev/null
        docker image inspect --format "{{range .RepoDigests}}{{println .}}{{end}}" "$image" | grep "^${image%:*}@"
    else
        docker image inspect --format "$image {{.Id}}" "$image"
    fi
done > "$folder/digests"
echo "Released $version: $folder"
