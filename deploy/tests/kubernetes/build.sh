#!/bin/sh
# Builds the API servers of test_apiserver.py from Debian's packages, for `make test-kubernetes`. Needs root, and a long time the
# first time. What is built already stays.
#   deploy/tests/kubernetes/build.sh [folder]    # default: .local/kubernetes
set -eu
mkdir -p "${1:-.local/kubernetes}/bin"
folder=$(cd "${1:-.local/kubernetes}" && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
gocode="GO111MODULE=off CGO_ENABLED=0"
command -v debootstrap > /dev/null || apt-get install -y --no-install-recommends debootstrap

# The server of custom resources, of the newest Kubernetes that Debian has, with etcd: in a Debian of their own.
if [ ! -x "$folder/bin/apiextensions-apiserver" ]; then
    [ -e "$folder/sid/usr/bin/etcd" ] || debootstrap --variant=minbase \
        --include=golang-go,golang-k8s-apiextensions-apiserver-dev,golang-k8s-apiserver-dev,etcd-server sid "$folder/sid" "$mirror"
    mountpoint -q "$folder/sid/proc" || mount -t proc proc "$folder/sid/proc"
    mkdir -p "$folder/sid/build"
    # shellcheck disable=SC2086
    chroot "$folder/sid" env $gocode HOME=/build GOPATH=/usr/share/gocode GOROOT="$(chroot "$folder/sid" sh -c 'echo /usr/lib/go-1.*' | tail -n 1)" \
        go build -ldflags "-s -w" -o /build/apiextensions-apiserver k8s.io/apiextensions-apiserver
    umount "$folder/sid/proc"
    mv "$folder/sid/build/apiextensions-apiserver" "$folder/bin/"
fi

# kube-apiserver: Debian 12 has the whole source of 1.20, Debian 11 the Go of its time.
if [ ! -x "$folder/bin/kube-apiserver" ]; then
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/go" "$folder/gopath/src/k8s.io"
    cat > "$folder/apt/sources.list" << END
deb [signed-by=$keys] $mirror bullseye main
deb-src [signed-by=$keys] $mirror bookworm main
END
    cat > "$folder/apt/apt.conf" << END
Dir::State::lists "$folder/apt/lists";
Dir::Cache::archives "$folder/apt/archives";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
END
    export APT_CONFIG="$folder/apt/apt.conf"
    cd "$folder/apt"
    apt-get update
    apt-get download golang-1.15-go golang-1.15-src
    apt-get source --download-only kubernetes
    for package in golang-1.15-*.deb; do dpkg -x "$package" "$folder/go"; done
    mkdir -p "$folder/gopath/src/k8s.io/kubernetes" "$folder/goroot"
    tar -xzf kubernetes_*.orig.tar.gz --strip-components=1 -C "$folder/gopath/src/k8s.io/kubernetes"
    cp -rL "$folder/go/usr/lib/go-1.15/." "$folder/goroot"
    cp -rL "$folder/go/usr/share/go-1.15/pkg/include" "$folder/goroot/pkg/"
    cd "$folder/gopath/src/k8s.io/kubernetes"
    export GOROOT="$folder/goroot" GOPATH="$folder/gopath" GOCACHE="$folder/gocache" GO111MODULE=off CGO_ENABLED=0
    export PATH="$GOROOT/bin:$PATH"
    # The one generated file that the source lacks: the fields of every kind, for server-side apply.
    go build -o "$folder/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    packages=$(grep -rl '+k8s:openapi-gen=true' --include='*.go' pkg staging/src/k8s.io | grep -Ev 'sample|test|code-generator' |
        xargs -n 1 dirname | sort -u | sed 's#^staging/src/#k8s.io/kubernetes/vendor/#; s#^pkg#k8s.io/kubernetes/pkg#' | paste -sd ,)
    "$folder/bin/openapi-gen" -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
        -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r /dev/null
    go build -ldflags "-s -w" -o "$folder/bin/" ./cmd/kube-apiserver
fi
