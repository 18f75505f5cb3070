#!/bin/bash
# Writes the C source of what static_left_out.txt leaves out: each function of those members of those libraries, as another name of one
# that aborts. Defined in the program, they keep the linker from taking the members from the archives; one that is still taken is a
# duplicate definition, and the link fails. Usage: static_left_out.sh LIST NM COMPILER [OPTION...] >left_out.c
set -euo pipefail

list=${1:?usage: static_left_out.sh LIST NM COMPILER [OPTION...]}
nm=${2:?no nm}
shift 2

# functions LIBRARY MEMBER...: global ones and weak ones
functions() {
	local archive members=" $* "
	archive=$("${compiler[@]}" -print-file-name="$1")
	[ -f "$archive" ] || { echo "$1 is not to be found" >&2; exit 1; }
	LC_ALL=C "$nm" -p --defined-only "$archive" 2>/dev/null |
		awk -v members="$members" '/^[^ ]*\.o:$/ { on = index(members, " " substr($1, 1, length($1) - 3) " ") }
			on && $2 ~ /^[TW]$/ { print $3 }'
}

compiler=("$@")
names=$(sed 's/#.*//; /^[[:space:]]*$/d' "$list" | while read -r library members; do
	# shellcheck disable=SC2086 # a list
	functions "$library" $members
done | sort -u)
[ -n "$names" ] || { echo "$list names nothing that these libraries have" >&2; exit 1; }

cat <<-'END'
	/* Made by static_left_out.sh. No headers: they declare some of these names as what they were. */
	#pragma GCC diagnostic ignored "-Wmissing-prototypes"

	long write(int file, const void *bytes, unsigned long count);
	void abort(void) __attribute__((noreturn));

	void kymo_left_out(void);
	void kymo_left_out(void)
	{
		static const char message[] = "kymo-record: a part of a library that the static build leaves out was called\n";
		long written = write(2, message, sizeof(message) - 1);

		(void)written; /* nobody to tell */
		abort();
	}

END
sed 's/.*/void &(void) __attribute__((alias("kymo_left_out")));/' <<<"$names"
