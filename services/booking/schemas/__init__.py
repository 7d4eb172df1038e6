"""HTTP models. Amounts are øre, VAT included; instants are answered in Europe/Copenhagen."""
