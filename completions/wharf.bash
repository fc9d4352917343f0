# bash completion for wharf
source <(COMPLETE=bash wharf)
