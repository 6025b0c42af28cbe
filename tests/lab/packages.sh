#!/usr/bin/env bash
# The Debian packages the lab starts servers from. Installs the missing ones with CI=true or INSTALL=1,
# without letting any daemon start; otherwise lists them and exits 1.
set -euo pipefail
packages=(
  bind9 bind9-dnsutils bind9-utils chromium dovecot-imapd dovecot-pop3d etcd-server fonts-dejavu-core
  freerdp2-shadow-x11 inetutils-inetd inetutils-telnetd
  iproute2 knot krb5-user ldap-utils ldb-tools mariadb-server-core memcached mosquitto nftables nginx nmap nsd ntpsec openssh-server
  openssl orthanc orthanc-dicomweb poppler-utils postfix postgresql python3-samba redis-server rpcbind rsync samba samba-ad-dc
  samba-ad-provision samba-dsdb-modules samba-vfs-modules slapd smbclient snmpd strongswan-charon tftpd-hpa
  tigervnc-standalone-server unbound unzip vsftpd winbind xauth xrdp
)
installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }
missing=()
for package in "${packages[@]}"; do
  # samba-ad-dc and samba-ad-provision are part of samba on some releases
  installed "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0
if [[ ${CI:-} != true && ${INSTALL:-} != 1 ]]; then
  echo "Missing for the lab: ${missing[*]}" >&2
  echo "Install them with: INSTALL=1 make test (as root), or apt-get install ${missing[*]}" >&2
  exit 1
fi
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for try in 1 2 3; do
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
  sleep $((try * 5))
done
echo "Could not install: ${missing[*]}" >&2
exit 1
