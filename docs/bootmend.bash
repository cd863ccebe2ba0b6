# shellcheck shell=bash
# Completion of bootmend for bash: the program itself knows all the words, so
# there is nothing to keep up to date here.
_bootmend ()
{
  local cur=${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  # bash has made words of "=" and ":", too; the program knows about "=".
  if [[ $cur == '=' ]]; then cur=''; fi
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done \
          < <(compgen -f -- "$cur")
        ;;
      :folders)
        compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done \
          < <(compgen -d -- "$cur")
        ;;
      :nospace) compopt -o nospace ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <("${COMP_WORDS[0]}" --complete-words "$COMP_CWORD" \
    "${COMP_WORDS[@]}" 2>/dev/null)
}
complete -F _bootmend bootmend
