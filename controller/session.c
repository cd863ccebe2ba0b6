#include "session.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <recipes/digest.h>

#include "notify.h"

#define MAX_COMMAND_LINE 65536

/* The person, not root whom sudo made of her. */
static char *
user_name (void)
{
  const char *sudo = getenv ("SUDO_USER");
  const struct passwd *entry = getpwuid (getuid ());
  const char *name = entry ? entry->pw_name : "?";

  return sudo && *sudo && strcmp (sudo, name) != 0
             ? xasprintf ("%s (by sudo %s)", sudo, name)
             : xstrdup (name);
}

/* How this process was started, whoever it is. */
static json_t *
command_line (void)
{
  CLEANUP_FREE char *text = NULL;
  CLEANUP_JSON json_t *words = json_array ();
  size_t len = 0;

  if (file_read ("/proc/self/cmdline", MAX_COMMAND_LINE, &text, &len, NULL) ==
      -1)
    return json_incref (words);
  for (size_t at = 0; at < len; at += strlen (text + at) + 1) {
    json_t *word = json_string (text + at);

    json_array_append_new (words, word ? word : json_string ("(not UTF-8)"));
  }
  return notify_mask_words (words);
}

json_t *
session_describe (const json_t *campaign)
{
  const char *connection = getenv ("SSH_CONNECTION");
  const json_t *recipe = json_at (campaign, "recipe");
  CLEANUP_FREE char *user = user_name ();
  CLEANUP_FREE char *text = recipe ? json_text (recipe) : NULL;
  CLEANUP_FREE char *from =
      connection ? xstrndup (connection, strcspn (connection, " ")) : NULL;
  char host[256] = "", sum[65];
  json_t *session = json_make ("{s:s,s:i,s:i,s:s,s:o}", "user", user, "uid",
                               (int)getuid (), "pid", (int)getpid (), "version",
                               BOOTMEND_VERSION, "command", command_line ());

  gethostname (host, sizeof host - 1);
  json_put_str (session, "host", host);
  json_put_str (session, "from", from);
  if (recipe == NULL)
    return session;
  digest_bytes (text, strlen (text), sum);
  json_put_str (session, "recipe_sha256", sum);
  json_put (session, "recipe",
            json_make ("{s:s,s:I}", "name", json_str (recipe, "name", ""),
                       "version", (json_int_t)json_int (recipe, "version", 0)));
  if (json_at (campaign, "origin"))
    json_put (session, "origin", json_incref (json_at (campaign, "origin")));
  return session;
}
