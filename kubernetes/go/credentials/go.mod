module silo.invalid/kubernetes/credentials

go 1.26
