# Reads what callgrind wrote about one backend and prints:
#   total N        instructions
#   clock N        readings of a clock
#   ours N NAME    instructions of a function of pg_leash, without what it calls
#
# The format: "fn=(id) name" says whose the cost lines below are, the name only the
# first time; "ob=" the same for the library; "cfn=" and "calls=N" announce a call,
# whose cost, on the line after, belongs to the callee.

function name_of(text, names,    id) {
    id = text
    sub(/\).*/, ")", id)
    if (text ~ /\) /) {
        names[id] = substr(text, length(id) + 2)
    }
    return names[id]
}

function value(line) {
    return substr(line, index(line, "=") + 1)
}

/^c?ob=/ {
    name = name_of(value($0), objects)
    if (/^ob=/) {
        object = name
    }
    next
}
/^fn=/ {
    caller = name_of(value($0), functions)
    next
}
/^cfn=/ {
    callee = name_of(value($0), functions)
    next
}
/^calls=/ {
    if (callee ~ /^_*(vdso_)?(clock_gettime|gettimeofday)/) {
        clock += substr($1, 7)
    }
    getline
    next
}
/^[-+*0-9]/ {
    if (object ~ /\/pg_leash\.so$/) {
        ours[caller] += $2
    }
    next
}
/^totals:/ {
    total = $2
}
END {
    printf "total %d\nclock %d\n", total, clock
    for (name in ours) {
        printf "ours %d %s\n", ours[name], name
    }
}
