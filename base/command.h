/* Child processes by argv; there is no shell anywhere.
 *
 * command_run waits for a short child and gives what it wrote.  child_start
 * gives a long-running one with pipes, for event loops. */

#ifndef BOOTMEND_COMMAND_H
#define BOOTMEND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/err.h>
#include <base/strbuf.h>

/* What it wrote may be a secret: overwritten when it is released. */
struct command_result {
  int exit_status;        /* exit code, or 128 + signal */
  struct strbuf output;   /* stdout */
  struct strbuf messages; /* stderr, at most the last 64 KiB */
};

void command_result_release (struct command_result *result);
#define CLEANUP_COMMAND CLEANUP (command_result_release)

/* Could this program be run?  A path with a "/", or a name in PATH; no shell is
 * asked, so "program argument" is none.  ERR_USAGE says what is wrong. */
int command_check (const char *program, struct err **err) ATTR_USE;

/* Runs argv[0] (looked up in PATH) with `input` on its stdin (NULL: none), for
 * at most limit_ms, keeping at most max_output bytes of stdout (more is an
 * error).  Returns 0 when the child ended by itself, whatever its status;
 * -1 with ERR_IO, ERR_TIMEOUT (the child was killed) or ERR_NOT_FOUND (no such
 * program). */
int command_run (const char *const *argv, const char *input, int64_t limit_ms,
                 size_t max_output, struct command_result *result,
                 struct err **err) ATTR_USE;

/* The same, and a status other than 0 is an error (ERR_IO) that quotes the
 * last line of stderr. */
int command_run_ok (const char *const *argv, const char *input,
                    int64_t limit_ms, size_t max_output,
                    struct command_result *result, struct err **err) ATTR_USE;

struct child {
  pid_t pid;
  int in;  /* its stdin, ours to write; non-blocking */
  int out; /* its stdout, ours to read; non-blocking */
  int msg; /* its stderr, or -1 if it shares ours */
};

enum child_flags {
  CHILD_OWN_GROUP = 1,       /* own process group: a terminal's ^C misses it */
  CHILD_DIES_WITH_US = 2,    /* killed by the kernel when our thread ends */
  CHILD_CAPTURE_MESSAGES = 4 /* stderr comes through child->msg */
};

int child_start (const char *const *argv, unsigned flags, struct child *child,
                 struct err **err) ATTR_USE;
/* Closes the pipes; does not wait. */
void child_close (struct child *child);

/* "exit status 3", "killed by signal 9 (Killed)" for a wait status. */
char *wait_status_text (int status);

#endif
