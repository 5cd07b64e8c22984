#!/bin/sh
# Makes what the services must keep from others, one directory a service, and leaves what is there:
# passwords, an API key, and a certificate authority that signs Elasticsearch's certificate. A
# certificate that ends within a month is made anew. Nothing secret is printed.
#
#   secrets.sh DIRECTORY
#
# As root, each directory becomes its service's own, by the ids that the images run with.
set -eu
umask 077
root=$1
host=elasticsearch
month=2592000

directory() { # name
  mkdir -p "$root/$1"
}

secret() { # file: 32 random bytes, as letters and digits
  [ -s "$root/$1" ] || openssl rand -hex 32 >"$root/$1"
}

copy() { # from to
  cp -f "$root/$1" "$root/$2"
}

own() { # name user:group
  [ "$(id -u)" -ne 0 ] || chown -R "$2" "$root/$1"
  find "$root/$1" -type d -exec chmod 500 {} +
  find "$root/$1" -type f -exec chmod 400 {} +
}

authority() {
  [ -s "$root/authority/ca.key" ] && return
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=aisle authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$root/authority/ca.key" -out "$root/authority/ca.crt" 2>/dev/null
}

certificate() {
  cert=$root/elasticsearch/elasticsearch.crt
  if [ -s "$cert" ] && openssl x509 -in "$cert" -noout -checkend $month >/dev/null; then
    return
  fi
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" \
    -addext "subjectAltName=DNS:$host,DNS:localhost,IP:127.0.0.1" \
    -addext "extendedKeyUsage=serverAuth,clientAuth" \
    -keyout "$root/elasticsearch/elasticsearch.key" -out "$root/elasticsearch/request.csr" 2>/dev/null
  openssl x509 -req -in "$root/elasticsearch/request.csr" -days 397 -copy_extensions copy \
    -CA "$root/authority/ca.crt" -CAkey "$root/authority/ca.key" -out "$cert" 2>/dev/null
  rm "$root/elasticsearch/request.csr"
}

for name in authority elasticsearch redis grafana aisle; do
  directory $name
  chmod 700 "$root/$name"
done

authority
certificate
copy authority/ca.crt elasticsearch/ca.crt
copy authority/ca.crt aisle/ca.crt

secret elasticsearch/password
copy elasticsearch/password aisle/aisle_server__password

secret redis/password
printf 'requirepass %s\n' "$(cat "$root/redis/password")" >"$root/redis/redis.conf"
copy redis/password aisle/aisle_redis__password

secret grafana/password
secret aisle/aisle_api_keys

own authority 0:0
own elasticsearch 1000:0
own redis 999:999
own grafana 472:0
own aisle 10001:10001
echo "The services' secrets are in place."
