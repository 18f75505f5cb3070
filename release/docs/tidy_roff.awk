# What scdoc writes, in the form that `mandoc -T lint` has nothing to say about: no paragraph marks beside headings and ends, an upper-case
# title, lines of at most 80 bytes.
function wrap(line,    at) {
	while (length(line) > 80) {
		for (at = 80; at > 1 && substr(line, at, 1) != " "; at--)
			;
		if (at == 1)
			break # a word of more than 80 bytes
		print substr(line, 1, at - 1)
		line = substr(line, at + 1)
		if (line ~ /^[.']/)
			line = "\\&" line
	}
	print line
}

/^\.TH / { $2 = toupper($2) }
/^\.P$/ {
	paragraph = 1
	next
}
/^\.RE$/ { # the space goes behind the end
	blank = 0
	print
	next
}
/^$/ && !literal { # before the end of a list it would be a second one
	blank = 1
	next
}
{
	if (blank)
		print ""
	blank = 0
	if (paragraph && !heading && !/^\.S[HS] /)
		print ".P"
	paragraph = 0
	heading = /^\.S[HS] /
	if (/^\.nf/)
		literal = 1
	if (/^\.fi/)
		literal = 0
	if (literal || /^[.']/)
		print
	else
		wrap($0)
}
