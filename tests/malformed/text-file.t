# a text file
#! mask sizes
$ kymo info --json text-file.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":null,"events_dropped":null,"events_damaged":null,"complete":null,"end_reason":null}
> status 1
2> kymo: info: 'text-file.kymo' is neither a kymo capture nor a database made by `kymo import`
$ kymo verify --decode text-file.kymo
2> kymo: verify: 'text-file.kymo' is not a kymo capture: no intact block in N bytes
? 2
$ kymo dump text-file.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 0
> status 1
2> kymo: dump: 'text-file.kymo' is not a kymo capture: no intact block in N bytes
$ kymo import --quiet text-file.kymo -o out.db; echo "status $?"; ls
> status 1
> text-file.kymo
2> kymo: import: import into 'out.db': 'text-file.kymo' is not a kymo capture: no intact block in N bytes
