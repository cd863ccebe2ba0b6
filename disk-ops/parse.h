/* Parsers of guest data that run outside of the appliance, each in a process of
 * its own that can do nothing but parse.
 *
 * Event logs, journals, dump headers, hives with their logs and BitLocker
 * metadata are bytes that a guest wrote.  Who reads them is started anew for
 * each, from this program's own file, gets the bytes as sealed memory files and
 * answers with one JSON object (and, if it makes bytes, in one more memory
 * file).  It has no privileges, no files, no network, no other processes,
 * little memory and little time (parse-child.c); it dies for trying.  Its death
 * is what is known of these bytes, not an end of ours:
 *
 *   CLEANUP_PARSE struct parse parse = {.program = disk->parse_program,
 *                                       .parser = &parser_event_log};
 *   parse_add_bytes (&parse, bytes, len);
 *   if (parse_run (&parse, err) == -1)     // damaged, or, with parse.died, the
 *     ...                                  // child is dead: err says of what
 *   use (parse.result);                    // as hostile as the bytes were
 */

#ifndef BOOTMEND_PARSE_H
#define BOOTMEND_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/json.h>

#define PARSE_INPUTS 8
/* No piece of a file that is asked for is larger. */
#define PARSE_FETCH_BYTES ((size_t)1 << 20)

/* What a parser sees, in the child. */
struct parse_input {
  const unsigned char *ptr; /* never NULL */
  size_t len;
  int fd; /* the same as a file */
};

struct parse_task {
  struct parse_input inputs[PARSE_INPUTS];
  size_t n;
  int output; /* memory file for bytes that it makes; -1: none is wanted */
  int asks;   /* for pieces, by parse_fetch; -1: there is nobody to ask */
};

/* In the child: up to `len` bytes of the file that its starter has, fewer at
 * its end; -1: they can't be had. */
ssize_t parse_fetch (const struct parse_task *task, uint64_t offset,
                     void *bytes, size_t len);

struct parser {
  const char *name;
  const char *what; /* for messages: "the event log" */
  size_t memory_bytes;
  int seconds; /* of processor time */
  size_t max_answer;
  size_t fetches, fetch_bytes; /* what it may ask for; 0: nothing */
  /* A new object, or NULL and an error: ERR_DISK for damage. */
  json_t *(*parse) (const struct parse_task *task, struct err **err);
};

/* --- who asks --- */

struct parse {
  /* The program that is started, with `--parse`: its main gives its arguments
   * to parse_child_main.  NULL: nothing is parsed, parse_run fails. */
  const char *program;
  const struct parser *parser;
  int inputs[PARSE_INPUTS];
  size_t n;
  int output; /* as the child left it, at offset 0; 0 or -1: none */
  /* Gives the child pieces of a file, as parse_fetch says; NULL: there are
   * none. Called only within parse_run. */
  ssize_t (*fetch) (void *ctx, uint64_t offset, void *bytes, size_t len);
  void *fetch_ctx;

  json_t *result;
  bool died;     /* killed, out of time or memory, or it answered garbage */
  bool confined; /* by seccomp, as it should be */
};

/* Bytes as one more input, copied.  An empty one is fine. */
int parse_add_bytes (struct parse *parse, const void *bytes, size_t len,
                     struct err **err) ATTR_USE;
/* A memory file of parse_memory as one more input; taken in any case. */
int parse_add_file (struct parse *parse, int fd_taken,
                    struct err **err) ATTR_USE;
/* An empty memory file that can be sealed; -1 and an error. */
int parse_memory (const char *what, struct err **err) ATTR_USE;
/* The child may make bytes; they are then in parse->output. */
int parse_want_output (struct parse *parse, struct err **err) ATTR_USE;

/* ERR_DISK: what the parser says of the bytes, or (with parse->died) what
 * became of it; ERR_IO: it could not be started. */
int parse_run (struct parse *parse, struct err **err) ATTR_USE;

void parse_release (struct parse *parse);
#define CLEANUP_PARSE CLEANUP (parse_release)

/* --- the child (parse-child.c) --- */

#define PARSE_OPTION "--parse"
/* The first descriptor of its inputs; the output comes behind them, and then
 * the socket on which it asks for pieces of a file. */
#define PARSE_FIRST_FD 3

/* The answer is the number of bytes as an int64_t (-1: none), and the bytes. */
struct parse_request {
  uint64_t offset, len;
};

/* Its exit status if it did not come as far as parsing. */
#define PARSE_NOT_STARTED 126

/* Is this how parse_run starts us? */
bool parse_is_child (int argc, char **argv);
/* Confines itself, parses, answers, ends.  `parsers` ends with NULL. */
void parse_child_main (const struct parser *const *parsers, int argc,
                       char **argv) __attribute__ ((noreturn));

/* Can this machine confine them wholly?  *why (to be freed) if not. */
bool parse_can_confine (char **why);

/* --- the parsers of this folder (parsers.c), the list ends with NULL --- */

extern const struct parser *const disk_parsers[];
extern const struct parser parser_crash_dump, parser_event_log, parser_journal,
    parser_hive, parser_bitlocker_header, parser_bitlocker;

#endif
