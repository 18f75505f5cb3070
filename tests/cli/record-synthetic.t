# Events from a seed: exactly as many as asked for, the same for the same seed, of every class in the mix.
$ kymo-record --source synthetic:events=1000,mix=syscalls,seed=1 -q -o a.kymo; kymo info --json a.kymo | jq '{events_stored, events_dropped, complete}'
> {
>   "events_stored": 1000,
>   "events_dropped": 0,
>   "complete": true
> }
$ kymo-record --source synthetic:events=1000,mix=syscalls,seed=1 -q -o b.kymo; kymo-record --source synthetic:events=1000,mix=syscalls,seed=2 -q -o c.kymo
$ for f in a b c; do kymo syscalls --json $f.kymo >$f.json; done; cmp a.json b.json && echo same; cmp -s a.json c.json || echo different
> same
> different
$ kymo-record --source synthetic:events=1000,mix=all,seed=1 -q -o all.kymo; kymo info --json all.kymo | jq '.events_stored'
> 1000
$ kymo-record --source a.kymo -q -o again.kymo; kymo syscalls --json again.kymo | cmp - a.json && echo same
> same
$ kymo-record --source synthetic:events=1000000,mix=all,seed=1 --max-samples 500 -q -o few.kymo; echo "status $?"; kymo info --json few.kymo | jq '.events_stored >= 500 and .events_stored < 100000'
> status 0
> true
$ kymo-record --source synthetic:mix=all,seed=1 --max-size 200K -q -o sized.kymo; echo "status $?"; test $(stat -c %s sized.kymo) -le 204800 && echo within
> status 0
> within
$ zstd -t -q a.kymo && echo sound
> sound
$ kymo-record --source synthetic:events=500 -q -o - | kymo info --json - | jq '.events_stored'
> 500
$ kymo-record --source synthetic:events=500 --json -q -o j.kymo | jq -e 'type == "object"'
> true
