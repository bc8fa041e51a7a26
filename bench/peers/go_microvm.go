// What the benchmark calls of go-microvm, as a program; bench/README.md says how to build it.
//
//	lamina-bench-go-microvm extract LAYOUT TAG CACHE   the image into an empty cache: layers, then the root filesystem out of them
//	lamina-bench-go-microvm clone SOURCE TARGET        a root filesystem for one machine, as microvm.Run makes it
//
// Prints the milliseconds that the call took.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stacklok/go-microvm/image"
	"github.com/stacklok/go-microvm/rootfs"
)

// fetcher finds an image in an OCI layout by its tag.
type fetcher struct{ directory, tag string }

func (f fetcher) Pull(context.Context, string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(f.directory)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, one := range manifest.Manifests {
		if one.Annotations["org.opencontainers.image.ref.name"] == f.tag {
			return index.Image(one.Digest)
		}
	}
	return nil, fmt.Errorf("%s has no tag %s", f.directory, f.tag)
}

func run(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "extract":
		cache := image.NewCache(args[3])
		_, err := image.PullWithFetcher(context.Background(), "localhost/"+args[2], cache, fetcher{args[1], args[2]})
		return err
	case len(args) == 3 && args[0] == "clone":
		return rootfs.CloneDir(args[1], args[2])
	}
	return fmt.Errorf("usage: extract LAYOUT TAG CACHE | clone SOURCE TARGET")
}

func main() {
	start := time.Now()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%.3f\n", float64(time.Since(start).Microseconds())/1000)
}
