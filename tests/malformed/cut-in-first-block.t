# ends after 40 bytes
#! mask sizes
$ kymo info --json cut-in-first-block.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":null,"events_dropped":null,"events_damaged":null,"complete":null,"end_reason":null}
> status 1
2> kymo: info: 'cut-in-first-block.kymo' is neither a kymo capture nor a database made by `kymo import`
$ kymo verify --decode cut-in-first-block.kymo
2> kymo: verify: 'cut-in-first-block.kymo' is not a kymo capture: no intact block in N bytes
? 2
$ kymo dump cut-in-first-block.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 0
> status 1
2> kymo: dump: 'cut-in-first-block.kymo' is not a kymo capture: no intact block in N bytes
$ kymo import --quiet cut-in-first-block.kymo -o out.db; echo "status $?"; ls
> status 1
> cut-in-first-block.kymo
2> kymo: import: import into 'out.db': 'cut-in-first-block.kymo' is not a kymo capture: no intact block in N bytes
