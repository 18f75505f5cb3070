# ends inside a block of events, as after a full disk
#! mask sizes
$ kymo info --json cut-in-chunk.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":14,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"cut","blocks_read":9,"blocks_damaged":1,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":N,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'cut-in-chunk.kymo' was cut off before its end: what came after is unknown
$ kymo verify --decode cut-in-chunk.kymo
> path:                  cut-in-chunk.kymo
>
> problems
> offset  bytes  problem  from_s    to_s  blocks  events  text
> N N  damaged  0.000052     -       1       -  block 9 (chunk): the file ends inside it
> N N  cut      0.000052     -       -       -  no END: cut off, or its recorder was killed; what came after is unknown
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           9
> blocks_damaged:        1
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         N
> rows:                  26
> events:                14
> events_missing:        0
> events_written:        0
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 no
> end_reason:            -
? 3
$ kymo dump cut-in-chunk.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 26
> status 3
2> kymo: dump: 'cut-in-chunk.kymo' is damaged: 1 blocks and N bytes could not be read
$ kymo import --quiet cut-in-chunk.kymo -o out.db; echo "status $?"; ls
> status 3
> cut-in-chunk.kymo
> out.db
2> kymo: import: 'cut-in-chunk.kymo' was cut off before its end: what came after is unknown
