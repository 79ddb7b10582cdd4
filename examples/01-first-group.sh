#!/bin/sh
# A resource group: made, tagged, locked against deletion, unlocked, deleted.
set -eu
group="first-group-$$"

az group create --name "$group" --location westeurope --tags team=blue
az lock create --name keep --resource-group "$group" --lock-type CanNotDelete

if az group delete --name "$group" --yes; then
    echo "the lock did not hold" >&2
    exit 1
fi

az lock delete --name keep --resource-group "$group"
az group delete --name "$group" --yes
az group exists --name "$group"
