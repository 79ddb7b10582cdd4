module silo.test/probe

go 1.24
