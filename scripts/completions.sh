#!/bin/sh
# The snippets that switch completion on: they call back into the binary at shell start, so they never go stale in
# substance.
set -eu
wharf=$1 folder=$2
mkdir -p "$folder"
{ echo "# bash completion for wharf"; "$wharf" completions bash; } > "$folder/wharf.bash"
{ echo "#compdef wharf"; "$wharf" completions zsh; } > "$folder/_wharf"
{ echo "# fish completion for wharf"; "$wharf" completions fish; } > "$folder/wharf.fish"
