#include "guest-text.h"

#include <string.h>

#include <recipes/digest.h>

#include "disk.h"
#include "guest-path.h"
#include "lines.h"
#include "refuse.h"

void
guest_text_release (struct guest_text *text)
{
  guest_file_release (&text->file);
  free (text->path);
  free (text->content);
}

static struct change *
planned_for (struct disk *disk, const char *path)
{
  for (size_t i = 0; i < disk->plan.changes.len; i++)
    if (disk->plan.changes.ptr[i].content &&
        strcmp (disk->plan.changes.ptr[i].to, path) == 0)
      return &disk->plan.changes.ptr[i];
  return NULL;
}

static int
read_guest (struct disk *disk, struct guest_text *text, struct err **err)
{
  int r = guest_file_stat (disk, text->path, &text->file, err);

  if (r != 1)
    return r;
  if (!text->file.regular)
    return disk_refuse (disk, err, REFUSE_WRONG_KIND, "%s is no regular file",
                        text->path);
  if (text->file.size_bytes > LINES_MAX_BYTES)
    return disk_refuse (disk, err, REFUSE_TOO_LARGE,
                        "%s has %lld bytes: too large for a text to be edited",
                        text->path, (long long)text->file.size_bytes);
  text->content = guestfs_read_file (disk->g, text->path, &text->len);
  if (text->content == NULL)
    return disk_guest_error (disk, err, "%s", text->path);
  return 1;
}

int
guest_text_read (struct disk *disk, const char *path, struct guest_text *text,
                 struct err **err)
{
  int r = guest_path_target (disk, path, &text->path, err);

  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "the folder of %s does not exist", path);
  if (r == -1)
    return -1;
  text->planned = planned_for (disk, text->path);
  if (text->planned == NULL)
    return read_guest (disk, text, err);
  text->content = xmemdup (text->planned->content, text->planned->content_len);
  text->len = text->planned->content_len;
  return 1;
}

int
guest_text_change (struct disk *disk, const struct recipe_action *action,
                   struct guest_text *text, struct strbuf *new,
                   struct err **err)
{
  struct change change = {.action = action};
  size_t len = new->len;

  if (len == text->len && memcmp (new->buf ? new->buf : "",
                                  text->content ? text->content : "", len) == 0)
    return 0;
  if (text->planned) {
    free (text->planned->content);
    text->planned->content = strbuf_take (new);
    text->planned->content_len = len;
    text->planned->size_after = (int64_t)len;
    digest_bytes (text->planned->content, len, text->planned->after);
    return 0;
  }
  change.content = strbuf_take (new);
  change.content_len = len;
  change.size_after = (int64_t)len;
  digest_bytes (change.content, len, change.after);
  change.to = TAKE (text->path);
  change.file = text->file;
  text->file = (struct guest_file){0};
  return plan_push (disk, change, err);
}
