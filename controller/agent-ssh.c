#include "agent-ssh.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/files.h>
#include <base/shell-words.h>
#include <base/text.h>
#include <base/vec.h>
#include <recipes/digest.h>

#include "agent-link.h"

#define MARK "bootmend-start: "
/* An agent of a debug build, with sanitizers, has some 20 MB. */
#define MAX_AGENT_BYTES (200u << 20)
/* What may be said before the agent starts. */
#define MAX_NOISE   (1u << 20)
#define NOISE_SHOWN 120

/* What runs on the helper.  One line, and no single quote in it: it travels
 * through the login shell of a user, whichever that is.
 *   $1 SHA-256  $2 size  $3 machine  $4 "sudo" or -  $5 program or -
 * Files that nobody has used for 60 days go. */
static const char script[] =
    "say() { printf \"\\n" MARK "%s\\n\" \"$*\"; }; "
    "die() { say fail \"$*\"; exit 86; }; "
    "good() { test -x \"$1\" && "
    "test \"$(sha256sum <\"$1\" | cut -c1-64)\" = \"$h\"; }; "
    "h=$1; n=$2; m=$3; s=$4; p=$5; shift 5; umask 077; "
    "if test \"$p\" = -; then "
    "test \"$(uname -m)\" = \"$m\" || die machine \"$(uname -m)\"; "
    "d=${XDG_CACHE_HOME:-$HOME/.cache}/bootmend; p=$d/agent-$h; "
    "if good \"$p\"; then touch \"$p\"; else "
    "mkdir -p \"$d\" 2>/dev/null && "
    "t=$(mktemp \"$d/.new-XXXXXX\" 2>/dev/null) || "
    "die folder \"$d can not be written to\"; "
    "say send; "
    "head -c \"$n\" >\"$t\" && chmod 700 \"$t\" || { rm -f \"$t\"; "
    "die folder \"$d can not be written to: is it full?\"; }; "
    "good \"$t\" || { rm -f \"$t\"; die damaged; }; "
    "mv -f \"$t\" \"$p\" || die folder \"$p can not be written to\"; "
    "find \"$d\" -name \"agent-*\" -mtime +60 -delete 2>/dev/null; "
    "find \"$d\" -name \".new-*\" -mtime +1 -delete 2>/dev/null; "
    "fi; "
    "else command -v \"$p\" >/dev/null || die program \"$p\"; fi; "
    "say run; "
    "test \"$s\" = - || exec sudo -n -- \"$p\" \"$@\"; "
    "exec \"$p\" \"$@\"";

struct agent_ssh {
  char *name;
  char **argv;
  char *program; /* on the helper; NULL: the copy */
  char *binary;  /* what is copied; NULL with program */
  size_t size;
  struct strbuf noise;
};

static const struct {
  const char *said, *advice;
} advices[] = {
    {"Permission denied (", "the key is refused: `ssh HOST` must work without "
                            "a question; is the key loaded in ssh-agent, and "
                            "the user name right?"},
    {"Host key verification failed",
     "the host key is not known or has changed: log in once by hand, or put "
     "it into known_hosts; it is never accepted unseen"},
    {"Could not resolve hostname", "is the name right?"},
    {"Connection refused", "no ssh server listens there: does it run, is the "
                           "port right?"},
    {"Connection timed out", "is it up, and does a security group or firewall "
                             "let ssh through?"},
    {"No route to host", "is it up, and reachable from here?"},
    {"Connection closed by", "the server ended the connection: is the user "
                             "allowed to log in?"},
    {"error while loading shared libraries",
     "a package that the agent needs is missing there: install libguestfs0 "
     "and libjansson4, or bootmend itself"},
    {"GLIBC_", "its system is older than the one bootmend was built for: "
               "install bootmend there and give ,agent=PATH"},
    {"a password is required", "sudo asks for a password there: ,sudo needs "
                               "a rule NOPASSWD"},
    {"sudo: ", "sudo does not let it run there"},
    {"Permission denied", "its cache folder does not allow programs (noexec): "
                          "install bootmend there and give ,agent=PATH"},
};

json_t *
agent_ssh_parse (const char *where, struct err **err)
{
  const char *host = where + strlen ("ssh://");
  const char *at, *colon, *end;
  CLEANUP_FREE char *alone = NULL;
  json_t *spec;

  if (strncmp (where, "ssh://", 6) != 0)
    goto bad;
  at = strrchr (host, '@');
  at = at ? at + 1 : host;
  if (*at == '[') { /* an IPv6 address */
    end = strchr (at, ']');
    if (end == NULL || (end[1] && end[1] != ':'))
      goto bad;
    alone = xasprintf ("%.*s%.*s", (int)(at - host), host, (int)(end - at - 1),
                       at + 1);
    colon = end[1] ? end + 1 : NULL;
  } else {
    colon = strrchr (at, ':');
    alone = colon ? xstrndup (host, (size_t)(colon - host)) : xstrdup (host);
  }
  if (*alone == '\0' || *alone == '-' || alone[strlen (alone) - 1] == '@' ||
      alone[0] == '@' || strpbrk (alone, " \t\n/'\"\\$`;&|<>()"))
    goto bad;
  if (colon && (strlen (colon + 1) < 1 || strlen (colon + 1) > 5 ||
                strspn (colon + 1, "0123456789") != strlen (colon + 1)))
    goto bad;
  spec = json_make ("{s:s}", "host", alone);
  json_put_str (spec, "port", colon ? colon + 1 : NULL);
  return spec;
bad:
  err_set (err, ERR_USAGE, "'%s' is not ssh://[USER@]HOST[:PORT]", where);
  return NULL;
}

/* A word for the shell at the other end. */
static char *
quoted (const char *word)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addch (&sb, '\'');
  for (const char *p = word; *p; p++)
    if (*p == '\'')
      strbuf_addstr (&sb, "'\\''");
    else
      strbuf_addch (&sb, *p);
  strbuf_addch (&sb, '\'');
  return strbuf_take (&sb);
}

/* What a shell would find for a bare name. */
static char *
in_path (const char *program)
{
  const char *path = getenv ("PATH");

  if (strchr (program, '/'))
    return xstrdup (program);
  while (path && *path) {
    size_t len = strcspn (path, ":");
    CLEANUP_FREE char *folder = xstrndup (path, len);
    CLEANUP_FREE char *full = path_join (folder, program);

    if (access (full, X_OK) == 0)
      return TAKE (full);
    path += len + (path[len] == ':');
  }
  return xstrdup (program);
}

static int
read_agent (struct agent_ssh *ssh, char sha256[65], struct err **err)
{
  CLEANUP_FREE char *name = agent_link_local_program ();
  CLEANUP_FREE char *path = in_path (name);

  if (file_read (path, MAX_AGENT_BYTES, &ssh->binary, &ssh->size, err) == -1)
    return err_wrap (err, "the agent that is copied to helpers");
  if (ssh->size < 4 || memcmp (ssh->binary, "\177ELF", 4) != 0)
    return err_set (err, ERR_USAGE,
                    "%s is no program that could be copied to a helper: give "
                    ",agent=PATH of one that is installed there",
                    path);
  digest_bytes (ssh->binary, ssh->size, sha256);
  return 0;
}

/* The line for the login shell: sh -c 'script' bootmend $1 $2 ... */
static int
add_command (struct agent_ssh *ssh, const json_t *spec, struct str_vec *argv,
             struct err **err)
{
  CLEANUP_STRBUF struct strbuf line = STRBUF_EMPTY;
  CLEANUP_FREE char *size = NULL;
  char sha256[65] = "-";
  struct utsname here;
  json_t *option;
  size_t i;

  uname (&here);
  if (ssh->program == NULL && read_agent (ssh, sha256, err) == -1)
    return -1;
  size = xasprintf ("%zu", ssh->size);
  strbuf_addf (&line, "exec sh -c '%s' bootmend", script);
  {
    const char *const words[] = {sha256, size, here.machine,
                                 json_bool (spec, "sudo", false) ? "sudo" : "-",
                                 ssh->program ? ssh->program : "-"};

    for (i = 0; i < ARRAY_SIZE (words); i++) {
      CLEANUP_FREE char *word = quoted (words[i]);

      strbuf_addf (&line, " %s", word);
    }
  }
  json_array_foreach (json_object_get (spec, "options"), i, option)
  {
    CLEANUP_FREE char *word = quoted (json_string_value (option));

    strbuf_addf (&line, " %s", word);
  }
  str_vec_push (argv, strbuf_take (&line));
  return 0;
}

/* A dead helper is noticed after 45 s. */
static int
add_ssh (const json_t *spec, struct str_vec *argv, struct err **err)
{
  static const char *const fixed[] = {
      "-T",
      "-o",
      "BatchMode=yes",
      "-o",
      "ServerAliveInterval=15",
      "-o",
      "ServerAliveCountMax=3",
      "-o",
      "ConnectTimeout=20",
  };
  const char *given = getenv ("BOOTMEND_SSH");
  const char *port = json_str (spec, "port", NULL);
  char **words = shell_words (given && *given ? given : "ssh", err);

  if (words == NULL)
    return err_wrap (err, "BOOTMEND_SSH");
  for (size_t i = 0; words[i]; i++)
    str_vec_push (argv, words[i]);
  free (words);
  if (argv->len == 0)
    return err_set (err, ERR_USAGE, "BOOTMEND_SSH names no program");
  for (size_t i = 0; i < ARRAY_SIZE (fixed); i++)
    str_vec_push (argv, xstrdup (fixed[i]));
  if (port) {
    str_vec_push (argv, xstrdup ("-p"));
    str_vec_push (argv, xstrdup (port));
  }
  str_vec_push (argv, xstrdup ("--"));
  str_vec_push (argv, xstrdup (json_str (spec, "host", "")));
  return 0;
}

struct agent_ssh *
agent_ssh_new (const json_t *spec, struct err **err)
{
  struct agent_ssh *ssh = xcalloc (1, sizeof *ssh);
  const char *program = json_str (spec, "agent", NULL);
  struct str_vec argv = VEC_EMPTY;
  int r;

  ssh->name = xasprintf ("ssh %s", json_str (spec, "host", "?"));
  ssh->program = program ? xstrdup (program) : NULL;
  r = add_ssh (spec, &argv, err);
  if (r == 0)
    r = add_command (ssh, spec, &argv, err);
  ssh->argv = str_vec_take (&argv);
  if (r == 0)
    return ssh;
  agent_ssh_free (ssh);
  return NULL;
}

void
agent_ssh_free (struct agent_ssh *ssh)
{
  if (ssh == NULL)
    return;
  for (size_t i = 0; ssh->argv && ssh->argv[i]; i++)
    free (ssh->argv[i]);
  free (ssh->argv);
  free (ssh->name);
  free (ssh->program);
  free (ssh->binary);
  strbuf_release (&ssh->noise);
  free (ssh);
}

const char *const *
agent_ssh_argv (const struct agent_ssh *ssh)
{
  return (const char *const *)ssh->argv;
}

const char *
agent_ssh_name (const struct agent_ssh *ssh)
{
  return ssh->name;
}

/* "machine aarch64", "folder /x can not be written to", ... */
static int
cannot_start (const struct agent_ssh *ssh, const char *why, struct err **err)
{
  CLEANUP_FREE char *text = text_printable (why);
  const char *rest = strchr (text, ' ');

  rest = rest ? rest + 1 : "?";
  if (strncmp (why, "machine", 7) == 0)
    return err_set (err, ERR_PROTOCOL,
                    "%s: it is a machine of another kind (%s): install "
                    "bootmend there and give ,agent=PATH",
                    ssh->name, rest);
  if (strncmp (why, "program", 7) == 0)
    return err_set (err, ERR_PROTOCOL, "%s: there is no program %s", ssh->name,
                    rest);
  if (strncmp (why, "damaged", 7) == 0)
    return err_set (err, ERR_PROTOCOL,
                    "%s: the agent did not arrive as it was sent (its SHA-256 "
                    "differs); is the disk there full?",
                    ssh->name);
  return err_set (err, ERR_PROTOCOL, "%s: the agent can't be copied: %s",
                  ssh->name, rest);
}

static void
keep_noise (struct agent_ssh *ssh, const char *line)
{
  if (*line && ssh->noise.len < MAX_NOISE)
    strbuf_addf (&ssh->noise, "%s\n", line);
}

int
agent_ssh_boot (struct agent_ssh *ssh, struct strbuf *in, struct strbuf *out,
                struct err **err)
{
  char *newline;

  while (in->len && (newline = memchr (in->buf, '\n', in->len)) != NULL) {
    size_t len = (size_t)(newline - in->buf);
    CLEANUP_FREE char *line = xstrndup (in->buf, len);
    const char *word = line + strlen (MARK);

    strbuf_consume (in, len + 1);
    if (len && line[strlen (line) - 1] == '\r')
      line[strlen (line) - 1] = '\0';
    if (strncmp (line, MARK, strlen (MARK)) != 0)
      keep_noise (ssh, line);
    else if (strcmp (word, "send") == 0 && ssh->binary)
      strbuf_add (out, ssh->binary, ssh->size);
    else if (strcmp (word, "run") == 0)
      return 1;
    else
      return cannot_start (ssh,
                           strncmp (word, "fail ", 5) == 0 ? word + 5 : word,
                           err);
  }
  if (in->len + ssh->noise.len > MAX_NOISE) {
    CLEANUP_FREE char *start =
        xstrndup (ssh->noise.len ? ssh->noise.buf : in->buf, NOISE_SHOWN);
    CLEANUP_FREE char *shown = text_printable (start);

    return err_set (err, ERR_PROTOCOL,
                    "%s: its shell does not start what it is told to, but "
                    "says: %s",
                    ssh->name, shown);
  }
  return 0;
}

const char *
agent_ssh_advice (const char *said)
{
  for (size_t i = 0; i < ARRAY_SIZE (advices); i++)
    if (strstr (said, advices[i].said))
      return advices[i].advice;
  return NULL;
}
