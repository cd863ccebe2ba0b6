#include "ask.h"

#include <stdio.h>
#include <unistd.h>

int
ask_first (const struct cli *cli, const char *what, const char *question,
           void (*show) (const struct cli *cli, const json_t *opaque),
           const json_t *opaque, struct err **err)
{
  char answer[8] = "";

  if (options_flag (cli->options, "yes"))
    return 0;
  if (!isatty (STDIN_FILENO))
    return err_set (err, ERR_USAGE, "this %s: give --yes", what);
  if (show)
    show (cli, opaque);
  fprintf (stderr, "%s [y/N] ", question);
  if (fgets (answer, sizeof answer, stdin) == NULL || *answer != 'y')
    return err_set (err, ERR_STOPPED, "nothing was done");
  return 0;
}
