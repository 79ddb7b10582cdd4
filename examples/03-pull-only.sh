#!/bin/sh
# A principal that may pull and nothing else: what a production machine should have.
# An image is needed: sh 03-pull-only.sh oci:/some/layout:tag (or docker-archive:file.tar).
set -eu
image=$1
name="pullonly$$"

az group create --name "$name" --location westeurope --output none
registry=$(az acr create --name "$name" --resource-group "$name" --sku Basic --query id -o tsv)
server=$(az acr show --name "$name" --query loginServer -o tsv)
token=$(az acr login --name "$name" --expose-token --query accessToken -o tsv)
skopeo copy --dest-creds "00000000-0000-0000-0000-000000000000:$token" \
    "$image" "docker://$server/hello:1"

account=$(az ad sp create-for-rbac --name "$name" --role AcrPull --scopes "$registry" \
    --query '[appId, password]' -o tsv | paste -s -d : -)

skopeo inspect --creds "$account" "docker://$server/hello:1"
if skopeo copy --dest-creds "$account" "$image" "docker://$server/hello:2"; then
    echo "one who may pull could push" >&2
    exit 1
fi

az ad app delete --id "${account%%:*}"
az group delete --name "$name" --yes
