// Command renderserver renders many releases in one process, exactly as `helm template` of the same
// helm module does: a process of helm a release costs more than its render.
//
// It reads jobs as JSON lines from standard input and writes an answer a line, in the order of the
// jobs, after a line that says helm's version. A job that it cannot do exactly like helm gets an
// answer with "unsupported".
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/pflag"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	release "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/yaml"
)

type greeting struct {
	Helm string `json:"helm"`
}

// job is one `helm template`, run in Folder with the words of Argv after the verb.
type job struct {
	Folder string   `json:"folder"`
	Argv   []string `json:"argv"`
}

// answer holds the rendered objects, or helm's text where one of them is not valid YAML.
type answer struct {
	Objects     []object `json:"objects"`
	Text        string   `json:"text,omitempty"`
	Error       string   `json:"error,omitempty"`
	Unsupported string   `json:"unsupported,omitempty"`
}

type object struct {
	Template string          `json:"template"`
	Body     json.RawMessage `json:"body"`
}

var (
	separator = regexp.MustCompile(`(?m)^---(?:[ \t].*)?$`)
	source    = regexp.MustCompile(`(?m)^# Source: (.+)$`)
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	answers := make(chan chan answer, 4*runtime.GOMAXPROCS(0))
	go read(bufio.NewReaderSize(os.Stdin, 1<<20), answers)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(greeting{common.DefaultCapabilities.HelmVersion.Version}); err != nil {
		os.Exit(1)
	}
	for next := range answers {
		found, err := await(next, out)
		if err == nil {
			err = encoder.Encode(found)
		}
		if err != nil {
			os.Exit(1)
		}
	}
	if err := out.Flush(); err != nil {
		os.Exit(1)
	}
}

// await waits for an answer; who reads the others has them meanwhile.
func await(next <-chan answer, out *bufio.Writer) (answer, error) {
	select {
	case found := <-next:
		return found, nil
	default:
		err := out.Flush()
		return <-next, err
	}
}

// read starts each job as it comes, a processor's worth at a time, and queues its answer.
func read(in *bufio.Reader, answers chan<- chan answer) {
	defer close(answers)
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			done := make(chan answer, 1)
			answers <- done
			free <- struct{}{}
			go func() {
				done <- do(line)
				<-free
			}()
		}
		if err != nil {
			return
		}
	}
}

func do(line []byte) (result answer) {
	defer func() {
		if problem := recover(); problem != nil {
			result = answer{Unsupported: fmt.Sprint(problem)}
		}
	}()
	var wanted job
	if err := json.Unmarshal(line, &wanted); err != nil {
		return answer{Unsupported: err.Error()}
	}
	text, err := template(wanted)
	var other unsupported
	if errors.As(err, &other) {
		return answer{Unsupported: other.Error()}
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return split(text)
}

type unsupported struct{ error }

// template is what `helm template` does, with the flags that need neither network nor cluster.
func template(wanted job) (string, error) {
	client := action.NewInstall(action.NewConfiguration())
	options := values.Options{}
	var kubeVersion, namespace string
	var apiVersions []string
	var skipTests bool
	flags := pflag.NewFlagSet("template", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVarP(&namespace, "namespace", "n", "default", "")
	flags.StringArrayVarP(&options.ValueFiles, "values", "f", nil, "")
	flags.StringArrayVar(&options.Values, "set", nil, "")
	flags.StringArrayVar(&options.StringValues, "set-string", nil, "")
	flags.StringArrayVar(&options.JSONValues, "set-json", nil, "")
	flags.StringArrayVar(&options.LiteralValues, "set-literal", nil, "")
	flags.StringVar(&kubeVersion, "kube-version", "", "")
	flags.StringSliceVarP(&apiVersions, "api-versions", "a", nil, "")
	flags.BoolVar(&client.IncludeCRDs, "include-crds", false, "")
	flags.BoolVar(&skipTests, "skip-tests", false, "")
	flags.BoolVar(&client.IsUpgrade, "is-upgrade", false, "")
	flags.BoolVar(&client.DisableHooks, "no-hooks", false, "")
	flags.BoolVar(&client.SkipSchemaValidation, "skip-schema-validation", false, "")
	if err := flags.Parse(wanted.Argv); err != nil {
		return "", unsupported{err}
	}
	if flags.NArg() != 2 {
		return "", unsupported{errors.New("a release's name and a chart are needed")}
	}
	path := flags.Arg(1)
	if !filepath.IsAbs(path) {
		path = filepath.Join(wanted.Folder, path)
	}
	if _, err := os.Stat(path); err != nil {
		return "", unsupported{err}
	}
	for _, file := range options.ValueFiles {
		if !filepath.IsAbs(file) {
			return "", unsupported{errors.New("a values file has a relative path")}
		}
	}
	if kubeVersion != "" {
		parsed, err := common.ParseKubeVersion(kubeVersion)
		if err != nil {
			return "", fmt.Errorf("invalid kube version '%s': %w", kubeVersion, err)
		}
		client.KubeVersion = parsed
	}
	client.DryRunStrategy = action.DryRunClient
	client.Replace = true // as `helm template`: the name is not checked
	client.ReleaseName = flags.Arg(0)
	client.Namespace = namespace
	client.APIVersions = common.VersionSet(apiVersions)
	made, err := install(client, path, options)
	if err != nil {
		return "", err
	}
	return manifest(made, client, skipTests), nil
}

func install(client *action.Install, path string, options values.Options) (*release.Release, error) {
	given, err := options.MergeValues(getter.Providers{})
	if err != nil {
		return nil, err
	}
	loaded, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	accessor, err := chart.NewAccessor(loaded)
	if err != nil {
		return nil, err
	}
	switch kind := accessor.MetadataAsMap()["Type"]; kind {
	case "", "application":
	default:
		return nil, fmt.Errorf("%s charts are not installable", kind)
	}
	if wanted := accessor.MetaDependencies(); len(wanted) > 0 {
		if err := action.CheckDependencies(loaded, wanted); err != nil {
			return nil, fmt.Errorf("an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: %w", err)
		}
	}
	done, err := client.RunWithContext(context.Background(), loaded, given)
	made, _ := done.(*release.Release)
	if err != nil && made != nil {
		return nil, fmt.Errorf("%w\n\nUse --debug flag to render out invalid YAML", err)
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

func manifest(made *release.Release, client *action.Install, skipTests bool) string {
	var text strings.Builder
	fmt.Fprintln(&text, strings.TrimSpace(made.Manifest))
	if client.DisableHooks {
		return text.String()
	}
	for _, hook := range made.Hooks {
		if skipTests && isTest(hook) {
			continue
		}
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
	}
	return text.String()
}

func isTest(hook *release.Hook) bool {
	for _, event := range hook.Events {
		if event == release.HookTest {
			return true
		}
	}
	return false
}

// split turns the text into objects as our own reader of manifests does.
func split(text string) answer {
	found := []object{}
	template := ""
	for _, part := range separator.Split(text, -1) {
		if named := source.FindStringSubmatch(part); named != nil {
			template = named[1]
		}
		body, err := yaml.YAMLToJSON([]byte(part))
		if err != nil || (!bytes.Equal(body, []byte("null")) && !bytes.HasPrefix(body, []byte("{"))) {
			return answer{Text: text}
		}
		if !bytes.Equal(body, []byte("null")) {
			found = append(found, object{template, body})
		}
	}
	return answer{Objects: found}
}
