# Configuration files: each mistake is file:line:col: key: message with status 2.
$ printf 'freq: 49\nevents: [cpu, syscalls]\n' >good.yaml; kymo-record config check good.yaml
$ printf 'freq: 49\nfrequency: 3\n' >unknown.yaml; kymo-record config check unknown.yaml
$ printf 'freq: 49\nlimits:\n  duration: 5s\n  durations: 6s\n' >nested.yaml; kymo-record config check nested.yaml
$ printf 'freq: 49\nfreq: 50\n' >twice.yaml; kymo-record config check twice.yaml
$ printf 'freq: fast\n' >type.yaml; kymo-record config check type.yaml
$ printf 'freq: 1001\n' >range.yaml; kymo-record config check range.yaml
$ printf 'freq: [1, 2\n' >syntax.yaml; kymo-record config check syntax.yaml
$ printf 'a: &x [1]\nb: *x\n' >alias.yaml; kymo-record config check alias.yaml
$ printf '' >empty.yaml; kymo-record config check empty.yaml >/dev/null; echo "status $?"
$ head -c 300 /dev/urandom >noise.yaml; kymo-record config check noise.yaml 2>/dev/null; echo "status $?"
$ kymo-record config check missing.yaml
$ kymo-record config check
$ kymo-record config chek good.yaml
$ kymo-record -c unknown.yaml -d 1s -o out.kymo
$ printf 'freq: 49\n' >a.yaml; kymo-record -c a.yaml -F 77 -d 1s --source synthetic:events=10 -q -o out.kymo; kymo info --json out.kymo | jq -r '.. | strings' | grep -n 'freq' | head -3
