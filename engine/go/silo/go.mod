module silo.invalid/engine/silo

go 1.27
