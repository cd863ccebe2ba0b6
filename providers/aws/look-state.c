#include "look-state.h"

#include <string.h>

unsigned
look_depth_of (const json_t *in)
{
  if (json_object_get (in, "selector") || json_bool (in, "preflight", false))
    return DEEP_STATUS | DEEP_VOLUMES | DEEP_ALL;
  return (json_bool (in, "health", false) ? (unsigned)DEEP_STATUS : 0) |
         (json_bool (in, "brief", false) ? 0 : (unsigned)DEEP_VOLUMES);
}

json_t *
look_vms_of (const json_t *state)
{
  return json_object_get (state, "vms");
}

const char *
look_id_of (const json_t *vm)
{
  return json_string_value (json_object_get (vm, "id")) ?: "";
}

json_t *
look_index_by (const json_t *vms, const char *path)
{
  json_t *index = json_object (), *vm;
  size_t i;

  json_array_foreach ((json_t *)vms, i, vm)
  {
    const char *key = json_str (vm, path, "");
    json_t *list = json_list (index, key);

    json_array_append_new (list, json_integer ((json_int_t)i));
  }
  return index;
}

void
look_for_key (const json_t *state, const json_t *index, const char *key,
              void (*do_it) (json_t *vm, const json_t *with),
              const json_t *with)
{
  size_t i;
  json_t *number;

  json_array_foreach (json_object_get (index, key), i, number)
  {
    do_it (json_array_get (look_vms_of (state),
                           (size_t)json_integer_value (number)),
           with);
  }
}

void
look_for_each (const json_t *state, const char *path, const json_t *items,
               const char *key, void (*put) (json_t *vm, const json_t *item))
{
  CLEANUP_JSON json_t *index = look_index_by (look_vms_of (state), path);
  size_t i;
  json_t *item;

  json_array_foreach ((json_t *)items, i, item)
  {
    look_for_key (state, index, json_str (item, key, ""), put, item);
  }
}

json_t *
look_facts_of (json_t *vm)
{
  return json_object_get (vm, "facts");
}

void
look_add_once (json_t *list, const char *text)
{
  size_t i;
  json_t *known;

  json_array_foreach (list, i, known)
  {
    if (strcmp (json_string_value (known), text) == 0)
      return;
  }
  json_array_append_new (list, json_string (text));
}

json_t *
look_texts_at (const json_t *state, const char *path)
{
  CLEANUP_JSON json_t *index = look_index_by (look_vms_of (state), path);
  json_t *list = json_array ();
  const char *key;
  json_t *value;

  json_object_foreach (index, key, value)
  {
    if (*key)
      json_array_append_new (list, json_string (key));
  }
  return list;
}

bool
look_note_unchecked (const struct look_at *at, const struct http_reply *reply,
                     const struct err *err)
{
  size_t i;
  json_t *vm;

  (void)reply;
  if (err->code != ERR_DENIED && err->code != ERR_REFUSED &&
      err->code != ERR_NOT_FOUND && err->code != ERR_USAGE)
    return false;
  json_array_foreach (look_vms_of (at->state), i, vm)
  {
    json_t *list = json_list (look_facts_of (vm), "not_checked");

    look_add_once (list, err->msg);
  }
  return true;
}

void
look_ids_fill (const json_t *chunk, const char *name, struct strbuf *form)
{
  size_t i;
  json_t *id;

  json_array_foreach ((json_t *)chunk, i, id)
  {
    aws_form (form, json_string_value (id), "%s.%zu", name, i + 1);
  }
}
