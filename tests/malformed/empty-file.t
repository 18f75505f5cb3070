# nothing in it
#! mask sizes
$ kymo info --json empty-file.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":null,"events_dropped":null,"events_damaged":null,"complete":null,"end_reason":null}
> status 1
2> kymo: info: 'empty-file.kymo' is neither a kymo capture nor a database made by `kymo import`
$ kymo verify --decode empty-file.kymo
2> kymo: verify: 'empty-file.kymo' is not a kymo capture: no intact block in 0 bytes
? 2
$ kymo dump empty-file.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 0
> status 1
2> kymo: dump: 'empty-file.kymo' is not a kymo capture: no intact block in 0 bytes
$ kymo import --quiet empty-file.kymo -o out.db; echo "status $?"; ls
> status 1
> empty-file.kymo
2> kymo: import: import into 'out.db': 'empty-file.kymo' is not a kymo capture: no intact block in 0 bytes
