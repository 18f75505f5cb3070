# kymo net: TCP connections. The sums of a question are those of the views.
$ cp $SAMPLES/net.kymo $SAMPLES/waits.kymo .; kymo import -q net.kymo -o net.db
$ for f in net.kymo net.db; do kymo net --json $f | jq -cS '.net_totals | del(.connect_p50_ns, .connect_p99_ns, .srtt_p50_ns, .srtt_p99_ns, .resets_sent, .packets_dropped)' >command.json; sqlite3 -json net.db 'SELECT * FROM net_totals' | jq -cS '.[0] | del(.capture_id)' | cmp - command.json && echo same; done
> same
> same
$ for f in net.kymo net.db; do kymo net --json $f | jq -cS '.net_talkers | sort_by(.comm, .role, .remote_address, .port)' >command.json; sqlite3 -json net.db 'SELECT * FROM net_talkers' | jq -cS 'sort_by(.comm, .role, .remote_address, .port)' | cmp - command.json && echo same; done
> same
> same
$ kymo net --json net.kymo | jq -cS '.net_errors | map(del(.last_s)) | sort_by(.comm, .role, .remote_address, .port, .ended)' >command.json; sqlite3 -json net.db 'SELECT * FROM net_errors' | jq -cS 'map(del(.last_s)) | sort_by(.comm, .role, .remote_address, .port, .ended)' | cmp - command.json && echo same
> same
$ kymo net --latency --json net.kymo | jq -cS '.net_histogram | sort_by(.what, .low_ns)' >command.json; sqlite3 -json net.db 'SELECT * FROM net_histogram' | jq -cS 'sort_by(.what, .low_ns)' | cmp - command.json && echo same
> same
# Each connection in a class once; times within their bucket; both ends of one agree on the bytes.
$ sqlite3 net.db "SELECT count(*) = sum(ended IN ('open', 'refused', 'timed out', 'peer reset', 'given up', 'reset here', 'closed here', 'peer closed')), sum(failed), sum(open) FROM tcp_connections" "SELECT count(*) FROM tcp_connections c JOIN net_histogram h ON h.what = 'connect' AND c.connect_ns BETWEEN h.low_ns AND h.high_ns" "SELECT count(connect_ns) FROM tcp_connections" "SELECT count(*), sum(a.sent_bytes = b.received_bytes AND b.sent_bytes = a.received_bytes) FROM tcp_connections a JOIN tcp_connections b ON a.local_port = b.remote_port AND a.remote_port = b.local_port AND a.remote_address = b.local_address WHERE a.role = 'connect'"
> 1|18|2
> 31
> 31
> 31|31
# Filters
$ pid=$(sqlite3 net.db "SELECT tgid FROM tcp_connections WHERE role = 'accept' AND NOT open LIMIT 1"); kymo net -p $pid --json net.kymo | jq -c '([.net_talkers[].role] | unique), .net_totals.packets_dropped'; kymo net --comm nobody net.kymo; t=$(sqlite3 net.db 'SELECT at_s FROM tcp_connections ORDER BY at_s LIMIT 1 OFFSET 30'); kymo net --connections --csv --to $t net.kymo | wc -l; kymo net --connections --json --from $t net.kymo | jq '.tcp_connections | length'
> ["accept"]
> 0
> 31
> 38
2> kymo: net: no thread named 'nobody' in 'net.kymo'; it has kymo-record, python3, sh, sleep
$ kymo net --events --json net.kymo | jq -c '[.tcp_events[].what] | group_by(.) | map([.[0], length])'; kymo net -n 1 net.kymo; kymo net --connections -n 1 net.kymo | tail -n 1
> [["reset received",18],["reset sent",12]]
> TCP: 37 opened, 31 accepted; 381.15 KiB sent, 381.15 KiB received
> 6 refused, 12 reset by peers, 12 reset here, 2 still open
> connect: 14.7 us median, 84.1 us p99; round trip: 10.4 us median, 34.8 us p99
> process  role     peer        port  conns  failed        sent  received  resent  connect      rtt
> python3  connect  127.0.0.1  36301     18       6  180.83 KiB  9.11 KiB       0  24.0 us  13.0 us
> 5 more (-n 0 shows all)
>
> net_errors
> error       process  role    peer        port  conns  last at
> peer reset  python3  accept  127.0.0.1  36301      3    0.353
> 9 more (-n 0 shows all)
> 67 more (-n 0 shows all)
# Drops: what is harmless comes last and does not count into the first answer.
$ sqlite3 net.db "INSERT INTO net_drop_count SELECT id, end_ns, start_ns, 7, 0, 'QUEUE_PURGE', 104, 2048, 0 FROM capture" "INSERT INTO net_drop_count SELECT id, end_ns, start_ns, 3, 0, 'NETFILTER_DROP', 12, 34525, 0 FROM capture" "INSERT INTO net_drop_count SELECT id, end_ns, start_ns, 2, 0, NULL, 0, 2054, 1 FROM capture" "INSERT INTO net_drop_count SELECT id, end_ns, start_ns, 1, 0, NULL, 900, 0, 1 FROM capture"; kymo net --drops net.db; kymo net net.db | sed -n 2p; kymo net --drops --json net.db | jq -c '[.net_drops[].packets] | add'
> reason          protocol  packets       note
> NETFILTER_DROP  ipv6            3          -
> not told        arp             2  no reason
> reason_900      -               1  no reason
> QUEUE_PURGE     ipv4            7  harmless
> 6 refused, 12 reset by peers, 12 reset here, 3 packets dropped (--drops), 2 still open
> 13
# Whatever numbers a capture holds
$ cp net.db lies.db; sqlite3 lies.db "INSERT INTO tcp_conn SELECT 1, a.v, b.v, c.v, b.v, c.v, c.v, b.v, c.v, 99999, NULL, 'x' || char(27) || '[31m', 70000, -1, 0, 99, d.v, 65535, 7, 0 FROM (SELECT column1 AS v FROM (VALUES (-9223372036854775808), (0), (9223372036854775807))) a, (SELECT column1 AS v FROM (VALUES (-9223372036854775808), (1), (9223372036854775807))) b, (SELECT column1 AS v FROM (VALUES (-1), (9223372036854775807))) c, (SELECT column1 AS v FROM (VALUES (0), (1023), (512), (8))) d"; for o in '' --connections --peers --latency --json; do kymo net $o lies.db >out.txt 2>&1; echo "status $?"; grep -c $'\x1b' out.txt; done; true
> status 0
> 0
> status 0
> 0
> status 0
> 0
> status 0
> 0
> status 0
> 0
# Without the class, without an answer
$ kymo net waits.kymo; kymo net --drops net.kymo; kymo net --events --peers net.kymo; echo "status $?"; kymo net --sockets net.kymo; echo "status $?"
> reason  protocol  packets  note
> status 2
> status 2
2> kymo: net: no TCP connections: recorded without -e net
2> kymo: net: no dropped packets were recorded
2> kymo: net: --peers: choose one of --connections, --peers, --events, --drops and --latency
2> kymo: net: unknown option --sockets; --help lists them
