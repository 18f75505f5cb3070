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
# The names of the summary's JSON are an interface.
$ kymo-record --source synthetic:events=500 --json -q -f -o j.kymo | jq -r 'keys_unsorted[]'
> recorded
> output
> end_reason
> duration_ns
> events_attempted
> events_stored
> events_counted
> events_lost
> bytes
> bytes_per_event
> stored_by_class
> lost_by_class
> lost_by_reason
> recorder_cpu_percent
> recorder_peak_rss_bytes
> budget
> exit_status
# Calls that are counted instead of stored one by one: all are in one or the other, and a copy keeps them apart.
$ kymo-record --source synthetic:events=100000,mix=syscalls,counted=60 --json -o counted.kymo | jq -c '[.events_attempted, .events_stored + .events_counted, .events_lost, .exit_status]'
> [100000,100000,0,0]
$ kymo dump -t syscall_count counted.kymo 2>/dev/null | jq -s -c '[(map(.call_count) | add), (map(select(.bucket > 0 and (.total_ns < .call_count * pow(2; .bucket) or .total_ns >= .call_count * pow(2; .bucket + 1)))) | length)]'
> [59999,0]
$ kymo-record --source counted.kymo --json -o counted-again.kymo | jq -c '[.events_stored, .events_counted, .events_lost]'
> [40001,59999,0]
$ kymo dump -t class_total counted-again.kymo 2>/dev/null | jq -s -c 'map(select(.attempted_count != .stored_count + .counted_count + .lost_count)) | length'
> 0
$ kymo-record --source synthetic:events=1000,counted=101 -o no.kymo
2> kymo-record: --source: '101' is not a percentage: write 0 to 100
? 2
