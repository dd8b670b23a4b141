#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-pages.sh ROOT - what the pages refer to exists.
#
#   links       relative ones lead to a file, and to a heading of it
#   paths       `model/cpu/add.c`, if they begin with a folder of this tree
#   names       `identifiers_with_three_or_more_underscores`, in some source file
#   elements    of the signing configuration, all of them, in the guide
#
# Fenced blocks are left out.
set -u
cd "$1" || exit 1
bad=0

refuse()
{
    echo "$1: $2" >&2
    bad=1
}

prose() { awk '/^ *```/ { fenced = !fenced; next } !fenced' "$1"; }

# As renderers make them: lower case, no punctuation, blanks to dashes.
anchors()
{
    prose "$1" | sed -n 's/^##* //p' | tr 'A-Z' 'a-z' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

check_link()
{
    page=$1 target=${2%%#*} anchor=
    case $2 in
    *'#'*) anchor=${2#*#} ;;
    esac
    if [ -n "$target" ]; then
        target=$(dirname "$page")/$target
    else
        target=$page
    fi
    [ -e "$target" ] || {
        refuse "$page" "the link '$2' leads nowhere"
        return
    }
    [ -z "$anchor" ] || anchors "$target" | grep -qx "$anchor" ||
        refuse "$page" "the link '$2': there is no such heading"
}

pages=$(find . -name '*.md' ! -path './build/*' ! -path './.git/*' | sed 's,^\./,,' | sort)
names=$(mktemp)
trap 'rm -f "$names"' EXIT
find sdk trts urts model signtool samples tests cmake -type f \
    \( -name '*.[chS]' -o -name '*.txt' -o -name '*.cmake' \) -exec cat {} + |
    grep -oE '[A-Za-z0-9_]+' | sort -u >"$names"

for page in $pages; do
    for link in $(prose "$page" | grep -oE '(\]\(|src=")[^)" ]+' | sed 's/^](//; s/^src="//'); do
        case $link in
        http://* | https://* | mailto:*) ;;
        *) check_link "$page" "$link" ;;
        esac
    done
    [ "$page" = "${page#samples/}" ] || continue # their paths are their own
    for path in $(prose "$page" | grep -oE '`[^` ]+' | sed 's/^`//' |
        grep -E '^(sdk|trts|urts|model|signtool|samples|tests|tools|docs|cmake)/[A-Za-z0-9_./-]+$'); do
        [ -e "$path" ] || [ "$path" = samples/notebook ] || refuse "$page" "there is no '$path'"
    done
    for name in $(prose "$page" | grep -oE '`[A-Za-z0-9]*(_+[A-Za-z0-9]+){3,}[`(]' | tr -d '`('); do
        grep -qx "$name" "$names" || refuse "$page" "nothing is called '$name'"
    done
done

elements=$(sed -nE 's/^ *(NUMBER|BYTES|\{)\(?"([A-Za-z]+)",.*/\2/p' signtool/config_value.c)
[ "$(echo "$elements" | wc -w)" -ge 12 ] || refuse signtool/config_value.c 'its elements are not found'
for element in $elements; do
    grep -q "^| \`$element\` |" docs/authors-guide.md ||
        refuse docs/authors-guide.md "says nothing about <$element>"
done
exit $bad
