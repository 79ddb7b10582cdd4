#!/bin/sh
# A private registry: made, pushed to with a token of one's own, listed, deleted.
# An image is needed: sh 02-first-registry.sh oci:/some/layout:tag (or docker-archive:file.tar).
set -eu
image=$1
name="first$$"

az group create --name "$name" --location westeurope --output none
server=$(az acr create --name "$name" --resource-group "$name" --sku Basic --query loginServer -o tsv)

# What `az acr login` does for docker, skopeo takes as a password.
token=$(az acr login --name "$name" --expose-token --query accessToken -o tsv)
skopeo copy --dest-creds "00000000-0000-0000-0000-000000000000:$token" \
    "$image" "docker://$server/hello:1"

az acr repository list --name "$name"
az acr repository show-tags --name "$name" --repository hello --detail

az group delete --name "$name" --yes
