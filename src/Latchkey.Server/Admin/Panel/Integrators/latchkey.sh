#!/bin/sh
# Verifies a license and downloads the product's file. Needs curl and sha256sum.
#   sh latchkey.sh KEY DOMAIN FILE
set -eu
[ $# = 3 ] || { echo "usage: $0 KEY DOMAIN FILE" >&2; exit 2; }
api=__URL__/api/license product=__PRODUCT_ID__
key=$1 domain=$2 file=$3

# The key goes through standard input, so that other users do not see it in the list of processes.
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$key" |
    curl -sS --fail-with-body --max-time 30 --config - -H "X-Domain: $domain" -H "X-Product-ID: $product" "$@"
}

# A refusal is an answer too: show it, and stop.
stop() { echo "$1" >&2; exit 1; }
answer=$(ask "$api/verify") || stop "$answer"
echo "The license is good for $domain"

# What is newer than 1.2.3?  ask "$api/update?version=1.2.3"

answer=$(ask -X POST "$api/download") || stop "$answer"
url=$(printf '%s' "$answer" | sed 's/.*"download_url":"\([^"]*\)".*/\1/')
sha256=$(printf '%s' "$answer" | sed 's/.*"sha256":"\([0-9a-f]*\)".*/\1/')
curl -fsSL -o "$file.part" "$url"
echo "$sha256  $file.part" | sha256sum --check --quiet
mv "$file.part" "$file"
echo "$file: $(wc -c <"$file") bytes"
