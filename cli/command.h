/* Commands: one row each in commands.c, one file cmd-VERB.c each.
 *
 * A name of two words ("recipes show") is a command of its own; the first word
 * alone then only leads to the list of them. */

#ifndef BOOTMEND_CLI_COMMAND_H
#define BOOTMEND_CLI_COMMAND_H

#include "option.h"
#include "terminal.h"

/* Exit codes; bootmend(1) documents them. */
enum exit_code {
  EXIT_ALL_WELL = 0,
  EXIT_NONE = 1, /* nothing was achieved, or it could not start */
  EXIT_USAGE = 2,
  EXIT_SOME_NOT = 3,
  EXIT_INTERRUPTED = 4 /* or halted: can be resumed */
};

struct command;

/* What a command runs with. */
struct cli {
  const struct command *command;
  const char *const *argv; /* the whole command line, for the records */
  struct options *options; /* its words are options->args */
  struct terminal out;     /* stdout: results */
  struct terminal msg;     /* stderr: messages, progress */
  struct notify *notify;   /* GROUP_NOTIFY; NULL: nobody wants to be told */
};

struct command {
  const char *name;
  const char *section; /* heading in `bootmend help` */
  const char *summary; /* "repair VMs", completes "bootmend X: " */
  const char *usage;   /* its words: "SELECTOR..."; NULL: none */
  uint64_t groups;     /* of options */
  unsigned least_args, most_args;
  enum words words; /* what its words are */
  const char *description;

  /* Prints results on stdout and returns an exit code, or -1: the error is
   * printed and its code gives the exit code. */
  int (*run) (struct cli *cli, struct err **err);
};

#define ARGS_ANY 1000000

/* All commands, in the order of help, ended by a row without a name. */
extern const struct command commands[];

/* The command that the words start with, and how many words that took.  An
 * error (ERR_USAGE) suggests what may have been meant. */
const struct command *command_find (const char *const *words, int *n,
                                    struct err **err) ATTR_USE;

/* True if there are commands of two words that start with this one. */
bool command_is_family (const char *first);

/* Help as text for a terminal of `width` columns: of the program, of the
 * commands that start with `first`, of a command. */
char *help_overview (int width);
char *help_family (const char *first, int width);
char *help_command (const struct command *command, int width);

/* Completion: prints one candidate a line for words[at]; ":files" and
 * ":folders" stand for names in the file system, ":nospace" keeps the cursor
 * at the word. */
int complete_words (int at, const char *const *words);

/* The program. */
int cli_main (const char *const *argv);

int cmd_plan (struct cli *cli, struct err **err);
int cmd_policy (struct cli *cli, struct err **err);
int cmd_release (struct cli *cli, struct err **err);
int cmd_repair (struct cli *cli, struct err **err);
int cmd_status (struct cli *cli, struct err **err);
int cmd_helper_check (struct cli *cli, struct err **err);
int cmd_list (struct cli *cli, struct err **err);
int cmd_report (struct cli *cli, struct err **err);
int cmd_audit_verify (struct cli *cli, struct err **err);
int cmd_audit_show (struct cli *cli, struct err **err);
int cmd_cleanup (struct cli *cli, struct err **err);
int cmd_resume (struct cli *cli, struct err **err);
int cmd_retry (struct cli *cli, struct err **err);
int cmd_halt (struct cli *cli, struct err **err);
int cmd_approve (struct cli *cli, struct err **err);
int cmd_rollback (struct cli *cli, struct err **err);
int cmd_fix_disk (struct cli *cli, struct err **err);
int cmd_keys_missing (struct cli *cli, struct err **err);
int cmd_diagnose (struct cli *cli, struct err **err);
int cmd_inspect (struct cli *cli, struct err **err);
int cmd_help (struct cli *cli, struct err **err);
int cmd_version (struct cli *cli, struct err **err);
int cmd_recipes_list (struct cli *cli, struct err **err);
int cmd_recipes_show (struct cli *cli, struct err **err);
int cmd_recipes_check (struct cli *cli, struct err **err);
int cmd_recipes_test (struct cli *cli, struct err **err);
int cmd_recipes_sign (struct cli *cli, struct err **err);
int cmd_recipes_verify (struct cli *cli, struct err **err);
int cmd_recipes_trust (struct cli *cli, struct err **err);
int cmd_recipes_schema (struct cli *cli, struct err **err);

#endif
