#!/bin/sh
# Opens nothing, and writes down what it was given. Tests call it by other names, which say what it does then.
here=$(dirname "$0")
for word in "$@"; do
    printf '%s\n' "$word"
done > "$here/arguments"
case $0 in
*/refuses) exit 4 ;;
*/talks)
    echo "said on standard output"
    echo "said on standard error" >&2
    ;;
*/stays)
    echo $$ > "$here/started"
    read -r _ < "$here/release"
    ;;
*/shows) env > "$here/told" ;;
*/reads) cat > "$here/told" ;;
*/tells | */xdg-open) cat "$here/arguments" > "$here/told" ;;
esac
