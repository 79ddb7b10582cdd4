// Specs holds containers' config.json against what runtime-tools and the JSON schema of
// runtime-spec say: specs SCHEMA-FOLDER BUNDLE. It tells what is wrong, a line each.
//
// runtime-tools' own command fetches the schema from the internet; here it comes with the module.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-multierror"
	"github.com/opencontainers/runtime-tools/validate"
	"github.com/xeipuuv/gojsonschema"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: specs SCHEMA-FOLDER BUNDLE")
		os.Exit(2)
	}
	problems, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, problem := range problems {
		fmt.Println(problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func check(schemas, bundle string) ([]string, error) {
	found := []string{}
	schema := gojsonschema.NewReferenceLoader("file://" + filepath.Join(schemas, "config-schema.json"))
	document := gojsonschema.NewReferenceLoader("file://" + filepath.Join(bundle, "config.json"))
	result, err := gojsonschema.Validate(schema, document)
	if err != nil {
		return nil, err
	}
	for _, problem := range result.Errors() {
		found = append(found, "schema: "+problem.String())
	}
	validator, err := validate.NewValidatorFromPath(bundle, false, "linux")
	if err != nil {
		return nil, err
	}
	checks := []func() error{
		validator.CheckPlatform, validator.CheckRoot, validator.CheckMandatoryFields,
		validator.CheckSemVer, validator.CheckMounts, validator.CheckProcess,
		validator.CheckLinux, validator.CheckAnnotations, validator.CheckHooks,
	}
	for _, one := range checks {
		if err := one(); err != nil {
			many := multierror.Append(nil, err)
			for _, each := range many.Errors {
				found = append(found, "runtime-tools: "+each.Error())
			}
		}
	}
	return found, nil
}
