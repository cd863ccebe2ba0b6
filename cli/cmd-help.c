#include "command.h"

#include <stdio.h>
#include <string.h>

int
cmd_help (struct cli *cli, struct err **err)
{
  int width = terminal_text_width (&cli->out), n;
  struct str_vec *args = &cli->options->args;
  CLEANUP_FREE char *text = NULL;
  const struct command *command;

  if (args->len == 0) {
    text = help_overview (width);
  } else if (args->len == 1 && command_is_family (args->ptr[0])) {
    text = help_family (args->ptr[0], width);
  } else {
    const char *words[] = {args->ptr[0], args->len > 1 ? args->ptr[1] : NULL,
                           NULL};

    command = command_find (words, &n, err);
    if (command == NULL)
      return -1;
    text = help_command (command, width);
  }
  fputs (text, stdout);
  return EXIT_ALL_WELL;
}
