#!/bin/bash
# Every recipe of make_malformed has a line in README.md and a case, and the other way round.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
recipes=$("${KYMO_BUILD:?}/malformed/make_malformed" --list | sort)
lines=$(sed -n 's/^| \([a-z-]*\) | .*/\1/p' "$here/README.md" | grep -vx name | sort)
cases=$(cd "$here" && ls -- *.t | sed 's/\.t$//' | sort)
status=0
diff <(echo "$recipes") <(echo "$lines") || { echo 'README.md and make_malformed --list differ'; status=1; }
diff <(echo "$recipes") <(echo "$cases") || { echo 'the cases and make_malformed --list differ'; status=1; }
exit $status
