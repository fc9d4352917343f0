# fish completion for wharf
COMPLETE=fish wharf | source
