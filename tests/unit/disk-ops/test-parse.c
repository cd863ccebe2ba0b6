/* The process that parses: what it gives back, what it may not do, and that its
 * end is known for what it was.  This program starts itself, as the agent
 * does. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/files.h>
#include <base/mem.h>
#include <disk-ops/parse.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* --- parsers: what they do is the first word of their input --- */

static json_t *
lengths (const struct parse_task *task)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < task->n; i++)
    json_array_append_new (list,
                           json_integer ((json_int_t)task->inputs[i].len));
  if (task->output >= 0)
    (void)!write_all (task->output, "made", 4);
  return json_make ("{s:o}", "lengths", list);
}

/* What a system call gave, and errno. */
static json_t *
gave (int r)
{
  return json_make ("{s:i, s:i}", "returned", r, "errno", r == -1 ? errno : 0);
}

static json_t *
do_open (const struct parse_task *task)
{
  (void)task;
  return gave (open ("/etc/passwd", O_RDONLY));
}

static json_t *
do_create (const struct parse_task *task)
{
  (void)task;
  return gave (open ("/tmp/bootmend-parse", O_CREAT | O_WRONLY, 0600));
}

static json_t *
do_change (const struct parse_task *task)
{
  return gave ((int)pwrite (task->inputs[0].fd, "x", 1, 0));
}

static json_t *
do_socket (const struct parse_task *task)
{
  (void)task;
  return gave (socket (AF_INET, SOCK_STREAM, 0));
}

static json_t *
do_connect (const struct parse_task *task)
{
  struct sockaddr_in there = {.sin_family = AF_INET};

  (void)task;
  return gave (
      connect (STDOUT_FILENO, (struct sockaddr *)&there, sizeof there));
}

static json_t *
do_fork (const struct parse_task *task)
{
  (void)task;
  return gave (fork ());
}

static json_t *
do_exec (const struct parse_task *task)
{
  (void)task;
  return gave (execl ("/bin/true", "true", NULL));
}

static json_t *
do_kill (const struct parse_task *task)
{
  (void)task;
  return gave (kill (getppid (), SIGTERM));
}

static json_t *
do_code (const struct parse_task *task)
{
  void *code = mmap (NULL, 4096, PROT_READ | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  (void)task;
  return gave (code == MAP_FAILED ? -1 : 0);
}

static json_t *
eat_memory (const struct parse_task *task)
{
  (void)task;
  for (int i = 0; i < 64; i++)
    memset (xmalloc ((size_t)8 << 20), 1, (size_t)8 << 20);
  return json_object ();
}

static json_t *
loop (const struct parse_task *task)
{
  volatile unsigned i = 0;

  (void)task;
  while (i < 2)
    i ^= 1;
  return NULL;
}

static json_t *
flood (const struct parse_task *task)
{
  json_t *list = json_array ();

  (void)task;
  for (int i = 0; i < 100000; i++)
    json_array_append_new (list, json_string ("more and more and more"));
  return json_make ("{s:o}", "list", list);
}

static json_t *
do_abort (const struct parse_task *task)
{
  (void)task;
  abort ();
}

static json_t *
crash (const struct parse_task *task)
{
  const char *volatile nowhere = (const char *)8;

  (void)task;
  return json_string (nowhere);
}

static void __attribute__ ((noreturn)) say (const char *text)
{
  (void)!write_all (STDOUT_FILENO, text, strlen (text));
  _exit (0);
}

static json_t *
half (const struct parse_task *task)
{
  (void)task;
  say ("{\"result\"");
}

static json_t *
nothing (const struct parse_task *task)
{
  (void)task;
  say ("");
}

static json_t *
list (const struct parse_task *task)
{
  (void)task;
  say ("[1, 2]");
}

/* Pieces of a file, one of them behind its end. */
static json_t *
piece (const struct parse_task *task)
{
  char text[16] = "";
  ssize_t n = parse_fetch (task, 3, text, 4);
  ssize_t end = parse_fetch (task, 8, text + 4, 6);
  ssize_t beyond = parse_fetch (task, 100, text + 8, 6);

  return json_make ("{s:i, s:i, s:i, s:s}", "n", (int)n, "end", (int)end,
                    "beyond", (int)beyond, "text", text);
}

static json_t *
greedy (const struct parse_task *task)
{
  char c;

  for (int i = 0; i < 4; i++)
    (void)parse_fetch (task, 0, &c, 1);
  return json_object ();
}

static json_t *
ask (const struct parse_task *task, uint64_t len, size_t bytes)
{
  const struct parse_request request = {0, len};

  (void)!write_all (task->asks, &request, bytes);
  (void)!read (task->asks, (char[8]){0}, 8); /* or be killed */
  return json_object ();
}

static json_t *
half_request (const struct parse_task *task)
{
  return ask (task, 1, 3);
}

static json_t *
large_request (const struct parse_task *task)
{
  return ask (task, PARSE_FETCH_BYTES + 1, sizeof (struct parse_request));
}

/* It is gone before what it asked for has come. */
static json_t *
leave (const struct parse_task *task)
{
  ask (task, PARSE_FETCH_BYTES, sizeof (struct parse_request));
  _exit (3);
}

static const struct {
  const char *word;
  json_t *(*act) (const struct parse_task *task);
} acts[] = {
    {"lengths", lengths},
    {"open", do_open},
    {"create", do_create},
    {"change", do_change},
    {"socket", do_socket},
    {"connect", do_connect},
    {"fork", do_fork},
    {"exec", do_exec},
    {"kill", do_kill},
    {"code", do_code},
    {"memory", eat_memory},
    {"loop", loop},
    {"flood", flood},
    {"abort", do_abort},
    {"crash", crash},
    {"half", half},
    {"nothing", nothing},
    {"list", list},
    {"piece", piece},
    {"greedy", greedy},
    {"half request", half_request},
    {"large request", large_request},
    {"leave", leave},
};

static json_t *
obey (const struct parse_task *task, struct err **err)
{
  const char *word = (const char *)task->inputs[0].ptr;

  for (size_t i = 0; i < ARRAY_SIZE (acts); i++)
    if (strcmp (acts[i].word, word) == 0)
      return acts[i].act (task);
  err_set (err, ERR_DISK, "byte 7 is \x01 wrong");
  return NULL;
}

static const struct parser obedient = {.name = "obedient",
                                       .what = "orders",
                                       .memory_bytes = 64 << 20,
                                       .seconds = 1,
                                       .max_answer = 65536,
                                       .fetches = 3,
                                       .fetch_bytes = (size_t)2 << 20,
                                       .parse = obey};
static const struct parser *const parsers[] = {&obedient, NULL};

/* --- the side that asks --- */

static int
order (struct parse *parse, const char *word, struct err **err)
{
  parse->program = "/proc/self/exe";
  parse->parser = &obedient;
  CU_ASSERT_EQUAL_FATAL (parse_add_bytes (parse, word, strlen (word) + 1, NULL),
                         0);
  return parse_run (parse, err);
}

static bool
has_seccomp (void)
{
  CLEANUP_FREE char *why = NULL;

  return parse_can_confine (&why);
}

static void
test_answers (void)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_FREE char *text = NULL;
  CLEANUP_ERR struct err *err = NULL;
  char made[8] = "";

  parse.parser = &obedient;
  CU_ASSERT_EQUAL_FATAL (parse_add_bytes (&parse, "lengths", 8, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (parse_add_bytes (&parse, NULL, 0, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (parse_want_output (&parse, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (order (&parse, "123456789", &err), 0);
  text = json_text (parse.result);
  CU_ASSERT_STRING_EQUAL (text, "{\"lengths\":[8,0,10]}");
  CU_ASSERT_EQUAL (read (parse.output, made, sizeof made), 4);
  CU_ASSERT_NSTRING_EQUAL (made, "made", 4);
  CU_ASSERT_EQUAL (parse.confined, has_seccomp ());
  CU_ASSERT_FALSE (parse.died);
}

static void
test_says_no (void)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL_FATAL (order (&parse, "no such word", &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_DISK);
  CU_ASSERT_STRING_EQUAL (err->msg, "byte 7 is \\x01 wrong");
  CU_ASSERT_FALSE (parse.died);
}

/* Calls that libraries try and that fail. */
static void
test_denied (void)
{
  static const char *const words[] = {"open", "create", "change"};

  for (size_t i = 0; i < ARRAY_SIZE (words) && has_seccomp (); i++) {
    CLEANUP_PARSE struct parse parse = {0};
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL_FATAL (order (&parse, words[i], &err), 0);
    CU_ASSERT_EQUAL (json_int (parse.result, "returned", 0), -1);
    CU_ASSERT_NOT_EQUAL (json_int (parse.result, "errno", 0), 0);
  }
}

/* "0123456789", and zeros up to a mebibyte if more is wanted. */
static ssize_t
give (void *ctx, uint64_t offset, void *bytes, size_t len)
{
  const char *text = ctx;

  if (len == PARSE_FETCH_BYTES)
    return memset (bytes, 0, len) ? (ssize_t)len : -1;
  if (offset > strlen (text))
    return -1;
  if (len > strlen (text) - offset)
    len = strlen (text) - (size_t)offset;
  memcpy (bytes, text + offset, len);
  return (ssize_t)len;
}

static char digits[] = "0123456789";

static void
test_pieces (void)
{
  CLEANUP_PARSE struct parse parse = {.fetch = give, .fetch_ctx = digits};
  CLEANUP_PARSE struct parse alone = {0};
  CLEANUP_FREE char *text = NULL, *without = NULL;

  CU_ASSERT_EQUAL_FATAL (order (&parse, "piece", NULL), 0);
  text = json_text (parse.result);
  CU_ASSERT_STRING_EQUAL (
      text, "{\"beyond\":-1,\"end\":2,\"n\":4,\"text\":\"345689\"}");
  /* where nobody has a file */
  CU_ASSERT_EQUAL_FATAL (order (&alone, "piece", NULL), 0);
  without = json_text (alone.result);
  CU_ASSERT_STRING_EQUAL (without,
                          "{\"beyond\":-1,\"end\":-1,\"n\":-1,\"text\":\"\"}");
}

static void
dies (const char *word, const char *says)
{
  CLEANUP_PARSE struct parse parse = {.fetch = give, .fetch_ctx = digits};
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL_FATAL (order (&parse, word, &err), -1);
  CU_ASSERT_TRUE (parse.died);
  CU_ASSERT_EQUAL (err->code, ERR_DISK);
  CU_ASSERT_PTR_NULL (parse.result);
  if (strstr (err->msg, says) == NULL) {
    printf ("\n    %s: \"%s\" is not in: %s\n", word, says, err->msg);
    CU_FAIL ("another death");
  }
}

static void
test_forbidden (void)
{
  static const char *const words[] = {"socket", "connect", "fork",
                                      "exec",   "kill",    "code"};

  for (size_t i = 0; i < ARRAY_SIZE (words) && has_seccomp (); i++)
    dies (words[i], "it tried what a parser has no business with");
}

static void
test_deaths (void)
{
  dies ("abort", "the parser of orders died on it, ");
  dies ("crash", "the parser of orders died on it, ");
  dies ("loop", "processor time");
  dies ("flood", "it answered more than 65536 bytes");
  dies ("half", "answered garbage");
  dies ("nothing", "answered garbage");
  dies ("list", "answered garbage");
  dies ("greedy", "it asked for more than it may have");
  dies ("half request", "it asked for more than it may have");
  dies ("large request", "it asked for more than it may have");
  dies ("leave", "died on it, ");
  if (!SANITIZED)
    dies ("memory", "died on it, ");
}

static void
test_no_program (void)
{
  static const struct parser stranger = {.name = "stranger",
                                         .what = "orders",
                                         .seconds = 1,
                                         .max_answer = 100};
  CLEANUP_PARSE struct parse parse = {.parser = &obedient};
  CLEANUP_ERR struct err *err = NULL, *none = NULL;

  CU_ASSERT_EQUAL (parse_run (&parse, &none), -1);
  CU_ASSERT_EQUAL (none->code, ERR_INTERNAL);
  parse.program = "/nonexistent";
  CU_ASSERT_EQUAL (parse_run (&parse, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_IO);
  CU_ASSERT_FALSE (parse.died);
  /* a program that does not know this parser */
  err_free (TAKE (err));
  parse.program = "/proc/self/exe";
  parse.parser = &stranger;
  CU_ASSERT_EQUAL (parse_run (&parse, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_IO);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "no such parser"));
  CU_ASSERT_FALSE (parse.died);
}

/* Nothing is left open, and no child. */
static void
test_tidy (void)
{
  int before = open ("/dev/null", O_RDONLY), after;

  close (before);
  dies ("abort", "died");
  after = open ("/dev/null", O_RDONLY);
  close (after);
  CU_ASSERT_EQUAL (after, before);
}

static const struct unit_case cases[] = {
    {"answers", test_answers}, {"says no", test_says_no},
    {"denied", test_denied},   {"forbidden", test_forbidden},
    {"deaths", test_deaths},   {"no program", test_no_program},
    {"tidy", test_tidy},       {"pieces", test_pieces},
};

int
main (int argc, char **argv)
{
  if (parse_is_child (argc, argv))
    parse_child_main (parsers, argc, argv);
  return unit_run ("parse", cases, ARRAY_SIZE (cases));
}
