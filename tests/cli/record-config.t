# Configuration files: each mistake is file:line:col: key: message with status 2.
$ printf 'freq: 49\nevents: [cpu, syscalls]\n' >good.yaml; kymo-record config check good.yaml
> preset: dev
> events: [cpu, syscalls]
> freq: 49
> stacks: copy
> faults: 100
> args: false
> no-exec-args: false
> no-symbols: false
> limits:
>   duration: 1m
>   max-size: 0 # no limit
>   max-samples: 0 # no limit
> budget:
>   cpu: 1%
>   memory: 50M
$ printf 'freq: 49\nfrequency: 3\n' >unknown.yaml; kymo-record config check unknown.yaml
2> kymo-record: ConfigError: unknown.yaml:2:1: frequency: unknown key; did you mean 'freq'?
2>   frequency: 3
2>   ^
? 2
$ printf 'freq: 49\nlimits:\n  duration: 5s\n  durations: 6s\n' >nested.yaml; kymo-record config check nested.yaml
2> kymo-record: ConfigError: nested.yaml:4:3: limits.durations: unknown key; did you mean 'durations'?
2>     durations: 6s
2>     ^
? 2
$ printf 'freq: 49\nfreq: 50\n' >twice.yaml; kymo-record config check twice.yaml
2> kymo-record: ConfigError: twice.yaml:2:1: freq: is given twice, first in line 1
2>   freq: 50
2>   ^
? 2
$ printf 'freq: fast\n' >type.yaml; kymo-record config check type.yaml
2> kymo-record: ConfigError: type.yaml:1:7: freq: 'fast' is not a whole number from 1 to 1000 (Hz)
2>   freq: fast
2>         ^
? 2
$ printf 'freq: 1001\n' >range.yaml; kymo-record config check range.yaml
2> kymo-record: ConfigError: range.yaml:1:7: freq: '1001' is not a whole number from 1 to 1000 (Hz)
2>   freq: 1001
2>         ^
? 2
$ printf 'freq: [1, 2\n' >syntax.yaml; kymo-record config check syntax.yaml
2> kymo-record: ConfigError: syntax.yaml:1:7: freq: a single value is expected
2>   freq: [1, 2
2>         ^
? 2
$ printf 'a: &x [1]\nb: *x\n' >alias.yaml; kymo-record config check alias.yaml
2> kymo-record: ConfigError: alias.yaml:1:1: a: unknown key
2>   a: &x [1]
2>   ^
? 2
$ printf '' >empty.yaml; kymo-record config check empty.yaml >/dev/null; echo "status $?"
> status 0
$ head -c 300 /dev/urandom >noise.yaml; kymo-record config check noise.yaml 2>/dev/null; echo "status $?"
> status 2
$ kymo-record config check missing.yaml
2> kymo-record: ConfigError: missing.yaml: No such file or directory
? 2
$ kymo-record config check
2> usage: kymo-record config check FILE
2>
2> Test a configuration file, and print what it means
2>
2>   -h, --help            show this
? 2
$ kymo-record config chek good.yaml
2> usage: kymo-record config check FILE
2>
2> Test a configuration file, and print what it means
2>
2>   -h, --help            show this
? 2
$ kymo-record -c unknown.yaml -d 1s -o out.kymo
2> kymo-record: ConfigError: unknown.yaml:2:1: frequency: unknown key; did you mean 'freq'?
2>   frequency: 3
2>   ^
2> try it with: kymo-record config check unknown.yaml
? 2
$ printf 'freq: 49\n' >a.yaml; kymo-record -c a.yaml -F 77 -d 1s --source synthetic:events=10 -q -o out.kymo; kymo info --json out.kymo | jq -r '.. | strings' | grep 'freq' | head -3
> freq: 77
