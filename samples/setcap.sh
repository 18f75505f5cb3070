#!/bin/bash
# Lets a recorder be run without sudo, by the members of GROUP if one is given: sudo samples/setcap.sh FILE [GROUP]
# What each capability is for: recorder/SECURITY.md. The first two are enough to record.
set -euo pipefail

file=${1:?usage: setcap.sh FILE [GROUP]}
if [ -n "${2:-}" ]; then
	chgrp "$2" "$file" # before setcap: a change of owner takes capabilities away
	chmod 750 "$file"
fi
PATH=$PATH:/usr/sbin:/sbin setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep "$file"
