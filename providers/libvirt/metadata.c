#include "metadata.h"

#include <string.h>

#include <base/strbuf.h>

#include <providers/xml.h>

/* Metadata is anybody's: keep what a person would select by, no more. */
#define MAX_TAGS       64
#define MAX_TAG_BYTES  256
#define MAX_TAG_LEVELS 8

static bool
is_mark (const xmlNode *node)
{
  return xml_is (node, "mark") && node->ns &&
         xmlStrEqual (node->ns->href, (const xmlChar *)MARK_NAMESPACE);
}

static void
put_attr (json_t *object, const xmlNode *node, const char *name)
{
  CLEANUP_FREE char *value = xml_attr (node, name);

  json_put_str (object, name, value ? value : "");
}

static json_t *
mark_from_node (const xmlNode *node)
{
  json_t *mark = json_object ();

  put_attr (mark, node, "campaign");
  put_attr (mark, node, "controller");
  put_attr (mark, node, "since");
  if (xml_attr_is (node, "alone", "yes"))
    json_put_bool (mark, "alone", true);
  return mark;
}

json_t *
mark_from_metadata (const xmlNode *metadata)
{
  for (xmlNodePtr c = xml_first (metadata); c; c = xml_next (c))
    if (is_mark (c))
      return mark_from_node (c);
  return NULL;
}

json_t *
mark_from_text (const char *text)
{
  CLEANUP_XML xmlDocPtr doc = xml_parse (text, "mark", NULL);
  const xmlNode *root = doc ? xmlDocGetRootElement (doc) : NULL;

  /* virDomainGetMetadata gives the element with or without its namespace,
   * depending on the release: the caller asked for ours by its URI. */
  return xml_is (root, "mark") ? mark_from_node (root) : NULL;
}

static void
set_attr (xmlNodePtr node, const json_t *mark, const char *name)
{
  xmlNewProp (node, (const xmlChar *)name,
              (const xmlChar *)json_str (mark, name, ""));
}

char *
mark_to_text (const json_t *mark, bool alone)
{
  CLEANUP_XML xmlDocPtr doc = xmlNewDoc ((const xmlChar *)"1.0");
  xmlNodePtr node = xmlNewNode (NULL, (const xmlChar *)"mark");
  xmlBufferPtr buffer = xmlBufferCreate ();
  char *text;

  xmlDocSetRootElement (doc, node);
  set_attr (node, mark, "campaign");
  set_attr (node, mark, "controller");
  set_attr (node, mark, "since");
  if (alone)
    xmlNewProp (node, (const xmlChar *)"alone", (const xmlChar *)"yes");
  xmlNodeDump (buffer, doc, node, 0, 0);
  text = xstrdup ((const char *)xmlBufferContent (buffer));
  xmlBufferFree (buffer);
  return text;
}

static void
put_tag (json_t *tags, const char *key, char *value)
{
  size_t start;

  if (value == NULL)
    return;
  start = strspn (value, " \t\r\n");
  for (size_t n = strlen (value);
       n > start && strchr (" \t\r\n", value[n - 1]);)
    value[--n] = '\0';
  if (value[start] && strlen (value + start) <= MAX_TAG_BYTES &&
      json_object_size (tags) < MAX_TAGS && !json_object_get (tags, key))
    json_put_str (tags, key, value + start);
}

static void
collect_tags (json_t *tags, const char *key, const xmlNode *node, int level)
{
  if (level > MAX_TAG_LEVELS)
    return;
  for (const xmlAttr *a = node->properties; a; a = a->next) {
    CLEANUP_FREE char *name = xasprintf ("%s@%s", key, (const char *)a->name);
    CLEANUP_FREE char *value = xml_attr (node, (const char *)a->name);

    put_tag (tags, name, value);
  }
  if (xml_first (node) == NULL) {
    CLEANUP_FREE char *value = xml_text (node);

    put_tag (tags, key, value);
  }
  for (xmlNodePtr c = xml_first (node); c; c = xml_next (c)) {
    CLEANUP_FREE char *name = xasprintf ("%s/%s", key, (const char *)c->name);

    collect_tags (tags, name, c, level + 1);
  }
}

json_t *
tags_from_metadata (const xmlNode *metadata)
{
  json_t *tags = json_object ();

  for (xmlNodePtr c = xml_first (metadata); c; c = xml_next (c))
    if (!is_mark (c))
      collect_tags (tags, (const char *)c->name, c, 0);
  return tags;
}

const char *
manager_from_metadata (const xmlNode *metadata)
{
  /* Namespaces as the managers write them into every domain of theirs. */
  static const struct {
    const char *prefix, *name;
  } managers[] = {
      {"http://openstack.org/xmlns/libvirt/nova/", "OpenStack Nova"},
      {"http://ovirt.org/vm/", "oVirt"},
      {"http://kubevirt.io", "KubeVirt"},
  };

  for (xmlNodePtr c = xml_first (metadata); c; c = xml_next (c))
    for (size_t i = 0; c->ns && i < ARRAY_SIZE (managers); i++)
      if (strncmp ((const char *)c->ns->href, managers[i].prefix,
                   strlen (managers[i].prefix)) == 0)
        return managers[i].name;
  return NULL;
}

/* Takes [from, to) out together with the white space before it on its line and
 * the end of line after it. */
static void
cut (char *text, char *from, char *to)
{
  while (from > text && (from[-1] == ' ' || from[-1] == '\t'))
    from--;
  if (*to == '\n')
    to++;
  memmove (from, to, strlen (to) + 1);
}

static char *
find_mark (char *text)
{
  char *at = strstr (text, "<" MARK_PREFIX ":mark ");

  return at && strstr (at, "xmlns:" MARK_PREFIX "=\"" MARK_NAMESPACE "\"")
             ? at
             : NULL;
}

/* Only the domain's own <metadata>, which libvirt indents by two, not one of
 * the same name that somebody keeps inside it. */
static void
cut_empty_metadata (char *text)
{
  static const char open[] = "\n  <metadata>";
  static const char empty[] = "\n  <metadata/>\n";
  static const char close[] = "</metadata>\n";
  char *at = strstr (text, empty);
  char *end;

  if (at) {
    memmove (at + 1, at + sizeof empty - 1, strlen (at + sizeof empty - 1) + 1);
    return;
  }
  at = strstr (text, open);
  if (at == NULL)
    return;
  end = at + sizeof open - 1;
  end += strspn (end, " \t\r\n");
  if (strncmp (end, close, sizeof close - 1) == 0)
    memmove (at + 1, end + sizeof close - 1,
             strlen (end + sizeof close - 1) + 1);
}

char *
definition_without_mark (const char *xml)
{
  char *text = xstrdup (xml);
  char *mark = find_mark (text);
  char *end = mark ? strstr (mark, "/>") : NULL;

  /* libvirt prints the element on a line of its own, closed by "/>"; inside an
   * attribute ">" may stand as it is, "/>" with our values can't: they have no
   * "<", and mark_to_text's writer escapes ">". */
  if (end)
    cut (text, mark, end + 2);
  cut_empty_metadata (text);
  return text;
}

char *
definition_without_empty_metadata (const char *xml)
{
  char *text = xstrdup (xml);

  cut_empty_metadata (text);
  return text;
}
