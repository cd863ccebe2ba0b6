#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>

#include "notices.h"
#include "output.h"

/* A file opened later must never become stdout or stderr by chance: a message
 * would go into a journal. What is closed is filled with what can't be used. */
static void
fill_standard_fds (void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl (fd, F_GETFD) == -1 && errno == EBADF)
      (void)!open ("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

static void
apply_general (struct cli *cli)
{
  const char *colour = options_text (cli->options, "color");
  unsigned verbose = options_count (cli->options, "verbose");

  if (options_flag (cli->options, "quiet"))
    log_level = LOG_QUIET;
  else if (verbose)
    log_level = verbose > 1 ? LOG_DEBUG : LOG_VERBOSE;
  terminal_init (&cli->out, STDOUT_FILENO, colour);
  terminal_init (&cli->msg, STDERR_FILENO, colour);
}

static int
check_words (const struct cli *cli, struct err **err)
{
  const struct command *command = cli->command;
  const struct str_vec *args = &cli->options->args;

  if (args->len < command->least_args)
    return err_set (err, ERR_USAGE, "%s is missing", command->usage);
  if (args->len > command->most_args)
    return err_set (err, ERR_USAGE, "'%s' is one word too many",
                    args->ptr[command->most_args]);
  for (size_t i = 0; i < args->len; i++)
    if (args->ptr[i][0] == '\0')
      return err_set (err, ERR_USAGE, "an empty word");
  return 0;
}

static int
run_command (struct cli *cli, const char *const *argv, struct err **err)
{
  uint64_t groups = cli->command->groups | GROUP_GENERAL;
  CLEANUP_FREE char *text = NULL;
  int code;

  if (options_parse (cli->options, groups, argv, false, err) == -1)
    return err_wrap (err, "%s", cli->command->name);
  apply_general (cli);
  if (options_flag (cli->options, "help")) {
    text = help_command (cli->command, terminal_text_width (&cli->out));
    fputs (text, stdout);
    return EXIT_ALL_WELL;
  }
  if (check_words (cli, err) == -1)
    return err_wrap (err, "%s", cli->command->name);
  if ((cli->command->groups & GROUP_NOTIFY) && notices_open (cli, err) == -1)
    return err_wrap (err, "%s", cli->command->name);
  code = cli->command->run (cli, err);
  notices_close (cli);
  return code == -1 ? err_wrap (err, "%s", cli->command->name) : code;
}

static int
show_family (const struct cli *cli, const char *first)
{
  CLEANUP_FREE char *text =
      help_family (first, terminal_text_width (&cli->out));

  fputs (text, stdout);
  return EXIT_ALL_WELL;
}

/* Words before the command, and what is no command. */
static int
run_words (struct cli *cli, const char *const *argv, struct err **err)
{
  int n =
      options_parse (cli->options, GROUP_TOP | GROUP_GENERAL, argv, true, err);
  int taken;

  if (n == -1)
    return -1;
  apply_general (cli);
  if (options_flag (cli->options, "version"))
    return cmd_version (cli, err);
  if (argv[n] == NULL && !options_flag (cli->options, "help"))
    return err_set (err, ERR_USAGE, "COMMAND is missing");
  if (argv[n] == NULL)
    return cmd_help (cli, err);
  cli->command = command_find (argv + n, &taken, err);
  if (cli->command == NULL) {
    /* `bootmend recipes --help` */
    if (command_is_family (argv[n]) && argv[n + 1] &&
        (strcmp (argv[n + 1], "--help") == 0 ||
         strcmp (argv[n + 1], "-h") == 0))
      return show_family (cli, argv[n]);
    return -1;
  }
  return run_command (cli, argv + n + taken, err);
}

static int
exit_code_of (const struct err *err)
{
  switch (err->code) {
  case ERR_USAGE:
    return EXIT_USAGE;
  case ERR_STOPPED:
    return EXIT_INTERRUPTED;
  default:
    return EXIT_NONE;
  }
}

static void
complain (const struct cli *cli, const struct err *err)
{
  if (err->code == ERR_USAGE && cli->command)
    log_error ("%s (see bootmend %s --help)", err->msg, cli->command->name);
  else if (err->code == ERR_USAGE)
    log_error ("%s (see bootmend --help)", err->msg);
  else
    log_error ("%s", err->msg);
}

int
cli_main (const char *const *argv)
{
  CLEANUP_OPTIONS struct options *options = options_new (option_set ());
  struct cli cli = {.argv = argv, .options = options};
  CLEANUP_ERR struct err *err = NULL, *lost = NULL;
  int code;

  fill_standard_fds ();
  setlocale (LC_CTYPE, "");
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* a limit on file size is a failed write */
  if (argv[0] && argv[1] && strcmp (argv[1], "--complete-words") == 0 &&
      argv[2] && argv[3])
    code = complete_words (atoi (argv[2]), argv + 3);
  else
    code = run_words (&cli, argv[0] ? argv + 1 : argv, &err);
  if (code == -1) {
    if (err == NULL)
      err_set (&err, ERR_INTERNAL, "failed without saying why: a bug");
    code = exit_code_of (err);
    complain (&cli, err);
  }
  if (output_close (&lost) == -1) {
    log_error ("%s", lost->msg);
    if (code == EXIT_ALL_WELL)
      code = EXIT_NONE;
  }
  return code;
}
