# Sourced: packages of another suite or machine than this one's, fetched without changing it. After
#   apt_apart SUITE ARCHITECTURE DIR     0, or 1 with the reason on standard output
# `apt_here apt-get ...` and `apt_here apt-cache ...` run with lists, cache and state of their own below DIR; their messages go to DIR/log.
# The mirror and its key are those of this machine's own package sources.

apt_apart() {
	local suite=$1 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	apt_machine=$2 apt_dir=$3
	mkdir -p "$apt_dir/apt/lists/partial" "$apt_dir/apt/cache/archives/partial" "$apt_dir/apt/conf" || return 1
	# an address that serves this machine's own release: not that of its security updates
	mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 2>/dev/null |
		awk -v own="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" '$2 == own && $3 == "main" { print $1; exit }')
	[ -n "$mirror" ] || { echo 'this machine has no Debian package source'; return 1; }
	[ -s "$keyring" ] || { echo 'debian-archive-keyring is not installed'; return 1; }
	echo "deb [signed-by=$keyring arch=$apt_machine] $mirror $suite main" >"$apt_dir/apt/sources.list"
	apt_here apt-get update >"$apt_dir/log" 2>&1 || { echo "suite $suite: $(tail -n 1 "$apt_dir/log")"; return 1; }
}

apt_here() {
	local program=$1
	shift
	"$program" -qq -o APT::Architecture="$apt_machine" -o APT::Architectures="$apt_machine" -o Dir::Etc::SourceList="$apt_dir/apt/sources.list" \
		-o Dir::Etc::SourceParts="$apt_dir/apt/conf" -o Dir::State::Lists="$apt_dir/apt/lists" -o Dir::Cache="$apt_dir/apt/cache" \
		-o Dir::State::Status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}
