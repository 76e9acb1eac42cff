#!/bin/sh
# Makes the certificates beside this file, with OpenSSL 3. They are for tests on this machine alone, and their keys
# are worth nothing: the authorities' keys are thrown away, and `key.der` is the test servers' own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

newkey() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

authority() { # name
  newkey "$1.key"
  openssl req -x509 -new -key "$1.key" -subj "/CN=auth-http tests" -days 36500 -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}

leaf() { # name, authority, host, from, to
  openssl req -new -key server.key -subj "/CN=auth-http test server" -out leaf.csr
  : > index.txt
  cat > ca.cnf <<END
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$3
END
  openssl ca -batch -notext -config ca.cnf -extensions leaf -cert "$2.pem" -keyfile "$2.key" \
    -startdate "$4" -enddate "$5" -in leaf.csr -out leaf.pem
  openssl x509 -in leaf.pem -outform DER -out "$here/$1.der"
}

authority trusted
authority stranger
newkey server.key
openssl pkcs8 -topk8 -nocrypt -in server.key -outform DER -out "$here/key.der"
cp trusted.pem "$here/ca.pem"
leaf good trusted localhost 20250101000000Z 21250101000000Z
leaf expired trusted localhost 20200101000000Z 20210101000000Z
leaf early trusted localhost 21240101000000Z 21250101000000Z
leaf other-host trusted example.org 20250101000000Z 21250101000000Z
leaf stranger stranger localhost 20250101000000Z 21250101000000Z
openssl req -x509 -new -key server.key -subj "/CN=localhost" -days 36500 -addext subjectAltName=DNS:localhost \
  -addext basicConstraints=critical,CA:FALSE -outform DER -out "$here/self-signed.der"
