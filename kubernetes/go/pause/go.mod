module silo.invalid/kubernetes/pause

go 1.26.0
