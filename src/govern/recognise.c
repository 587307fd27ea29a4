#include "govern/recognise.h"

#include <string.h>

static const char *const KINDS[] = {"none",    "email", "phone",  "name",
                                    "address", "ip",    "device", "id_number"};

/* Names of fields without case, blanks and signs. */
static const struct {
    const char *name;
    enum recognise_kind kind;
} NAMES[] = {
    {"email", RECOGNISE_EMAIL},
    {"emailaddress", RECOGNISE_EMAIL},
    {"useremail", RECOGNISE_EMAIL},
    {"customeremail", RECOGNISE_EMAIL},
    {"邮箱", RECOGNISE_EMAIL},
    {"电子邮件", RECOGNISE_EMAIL},
    {"phone", RECOGNISE_PHONE},
    {"phonenumber", RECOGNISE_PHONE},
    {"mobile", RECOGNISE_PHONE},
    {"mobilephone", RECOGNISE_PHONE},
    {"cellphone", RECOGNISE_PHONE},
    {"tel", RECOGNISE_PHONE},
    {"telephone", RECOGNISE_PHONE},
    {"手机", RECOGNISE_PHONE},
    {"手机号", RECOGNISE_PHONE},
    {"手机号码", RECOGNISE_PHONE},
    {"电话", RECOGNISE_PHONE},
    {"firstname", RECOGNISE_NAME},
    {"lastname", RECOGNISE_NAME},
    {"middlename", RECOGNISE_NAME},
    {"fullname", RECOGNISE_NAME},
    {"givenname", RECOGNISE_NAME},
    {"familyname", RECOGNISE_NAME},
    {"surname", RECOGNISE_NAME},
    {"username", RECOGNISE_NAME},
    {"customername", RECOGNISE_NAME},
    {"姓名", RECOGNISE_NAME},
    {"名字", RECOGNISE_NAME},
    {"真实姓名", RECOGNISE_NAME},
    {"address", RECOGNISE_ADDRESS},
    {"street", RECOGNISE_ADDRESS},
    {"streetaddress", RECOGNISE_ADDRESS},
    {"addressline1", RECOGNISE_ADDRESS},
    {"addressline2", RECOGNISE_ADDRESS},
    {"地址", RECOGNISE_ADDRESS},
    {"收货地址", RECOGNISE_ADDRESS},
    {"ip", RECOGNISE_IP},
    {"ipaddress", RECOGNISE_IP},
    {"clientip", RECOGNISE_IP},
    {"remoteaddr", RECOGNISE_IP},
    {"deviceid", RECOGNISE_DEVICE},
    {"advertisingid", RECOGNISE_DEVICE},
    {"adid", RECOGNISE_DEVICE},
    {"idfa", RECOGNISE_DEVICE},
    {"idfv", RECOGNISE_DEVICE},
    {"gaid", RECOGNISE_DEVICE},
    {"oaid", RECOGNISE_DEVICE},
    {"imei", RECOGNISE_DEVICE},
    {"androidid", RECOGNISE_DEVICE},
    {"mac", RECOGNISE_DEVICE},
    {"macaddress", RECOGNISE_DEVICE},
    {"devicetoken", RECOGNISE_DEVICE},
    {"idnumber", RECOGNISE_ID_NUMBER},
    {"idcard", RECOGNISE_ID_NUMBER},
    {"身份证", RECOGNISE_ID_NUMBER},
    {"身份证号", RECOGNISE_ID_NUMBER},
};

const char *recognise_kind_text(enum recognise_kind kind) { return KINDS[kind]; }

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static int is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

/* A byte of the part before '@'. Bytes of UTF-8 letters belong to it (RFC 6531). */
static int is_local(char c) {
    return is_letter(c) || is_digit(c) || (unsigned char)c >= 0x80 ||
           strchr(".!#$&'*+/=?^_`{|}~-", c);
}

static int is_domain(char c) {
    return is_letter(c) || is_digit(c) || (unsigned char)c >= 0x80 || c == '-' || c == '.';
}

/* Labels with a dot between, the last of at least two letters. */
static int is_domain_name(struct slice text) {
    size_t dot = 0, label = 0;
    if (text.size < 4 || text.size > 255) return 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!is_domain(c)) return 0;
        if (c != '.') {
            label++;
            continue;
        }
        if (!label) return 0;
        label = 0;
        dot = i;
    }
    if (!dot || label < 2) return 0;
    for (size_t i = dot + 1; i < text.size; i++)
        if (is_digit(text.data[i])) return 0;
    return 1;
}

int recognise_is_email(struct slice text) {
    const char *at = text.size ? memchr(text.data, '@', text.size) : NULL;
    if (!at || at == text.data || at - text.data > 64) return 0;
    for (const char *c = text.data; c < at; c++)
        if (!*c || !is_local(*c)) return 0;
    return is_domain_name((struct slice){at + 1, text.size - (size_t)(at + 1 - text.data)});
}

/* The digits of a number written with blanks, points, hyphens or brackets; 0 where something else
 * stands between. `ret_digits`: (16) and a NUL. */
static size_t phone_digits(struct slice text, char ret_digits[17], int *ret_plus) {
    size_t count = 0;
    *ret_plus = text.size && text.data[0] == '+';
    for (size_t i = *ret_plus ? 1 : 0; i < text.size; i++) {
        char c = text.data[i];
        if (is_digit(c)) {
            if (count == 16) return 0;
            ret_digits[count++] = c;
        } else if (!strchr(" -.()", c) || !c) {
            return 0;
        }
    }
    ret_digits[count] = '\0';
    return count;
}

static int is_chinese_mobile(const char *digits, size_t count) {
    return count == 11 && digits[0] == '1' && digits[1] >= '3' && digits[1] <= '9';
}

int recognise_is_phone(struct slice text) {
    char digits[17];
    int has_plus = 0;
    size_t count = phone_digits(text, digits, &has_plus);
    if (has_plus) return count >= 8 && count <= 15 && digits[0] != '0';
    if (count == 15 && memcmp(digits, "0086", 4) == 0) return is_chinese_mobile(digits + 4, 11);
    if (count == 13 && memcmp(digits, "86", 2) == 0) return is_chinese_mobile(digits + 2, 11);
    return is_chinese_mobile(digits, count);
}

/* GB 11643-1999: 6 digits of a place, the day of birth, 3 digits, and the check of ISO 7064 MOD
 * 11-2. */
int recognise_is_id_number(struct slice text) {
    static const int WEIGHTS[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char CHECKS[] = "10X98765432";
    int sum = 0;
    int64_t days = 0;
    if (text.size != 18 || text.data[0] == '0') return 0;
    for (int i = 0; i < 17; i++) {
        if (!is_digit(text.data[i])) return 0;
        sum += (text.data[i] - '0') * WEIGHTS[i];
    }
    const char *d = text.data + 6;
    int year = (d[0] - '0') * 1000 + (d[1] - '0') * 100 + (d[2] - '0') * 10 + d[3] - '0';
    int month = (d[4] - '0') * 10 + d[5] - '0', day = (d[6] - '0') * 10 + d[7] - '0';
    if (year < 1850 || !text_days_from_date(year, month, day, &days)) return 0;
    char last = text.data[17] == 'x' ? 'X' : text.data[17];
    return last == CHECKS[sum % 11];
}

static int is_ipv4(struct slice text) {
    int parts = 0, value = -1;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && is_digit(text.data[i])) {
            value = (value < 0 ? 0 : value * 10) + (text.data[i] - '0');
            if (value > 255) return 0;
        } else if ((i == text.size || text.data[i] == '.') && value >= 0) {
            parts++;
            value = -1;
        } else {
            return 0;
        }
    }
    return parts == 4;
}

/* RFC 4291: groups of up to four hexadecimal digits, one of them may be "::". */
static int is_ipv6(struct slice text) {
    int groups = 0, digits = 0, gaps = 0;
    if (text.size < 2 || text.size > 45 || !memchr(text.data, ':', text.size)) return 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (is_hex(c)) {
            if (++digits > 4) return 0;
            groups += digits == 1;
        } else if (c == ':') {
            int is_gap = i + 1 < text.size && text.data[i + 1] == ':';
            if (!is_gap && !digits && !(i > 0 && text.data[i - 1] == ':')) return 0;
            gaps += is_gap;
            digits = 0;
        } else if (c == '.' && digits) { /* the last 32 bits as IPv4 */
            size_t start = i;
            while (start > 0 && text.data[start - 1] != ':') start--;
            if (!is_ipv4((struct slice){text.data + start, text.size - start})) return 0;
            groups++;
            break;
        } else {
            return 0;
        }
    }
    if (text.data[text.size - 1] == ':' && text.data[text.size - 2] != ':') return 0;
    return gaps == 1 ? groups >= 1 && groups <= 7 : gaps == 0 && groups == 8;
}

int recognise_is_ip(struct slice text) { return is_ipv4(text) || is_ipv6(text); }

static int is_mac(struct slice text) {
    if (text.size != 17) return 0;
    for (size_t i = 0; i < 17; i++) {
        if (i % 3 < 2 ? !is_hex(text.data[i]) : text.data[i] != text.data[2]) return 0;
    }
    return text.data[2] == ':' || text.data[2] == '-';
}

/* The name of a field in lower case without blanks and signs. */
static struct slice plain_key(struct slice key, char *out, size_t capacity) {
    size_t size = 0;
    for (size_t i = 0; i < key.size && size < capacity; i++)
        if (!strchr("_-. $", key.data[i]) || !key.data[i]) out[size++] = lower(key.data[i]);
    return (struct slice){out, size};
}

static enum recognise_kind kind_of_name(struct slice key, int of_person) {
    char text[64];
    struct slice plain = plain_key(key, text, sizeof text);
    if (slice_equal_text(plain, "name")) return of_person ? RECOGNISE_NAME : RECOGNISE_NONE;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (plain.size && plain.data[0] == NAMES[i].name[0] &&
            slice_equal_text(plain, NAMES[i].name))
            return NAMES[i].kind;
    return RECOGNISE_NONE;
}

int recognise_is_person(struct slice key) {
    static const char *const PERSONS[] = {
        "traits",    "user",           "customer", "contact",  "person",          "payer",
        "recipient", "userproperties", "billing",  "shipping", "shippingaddress", "billingaddress"};
    char text[64];
    struct slice plain = plain_key(key, text, sizeof text);
    for (size_t i = 0; i < sizeof PERSONS / sizeof *PERSONS; i++)
        if (plain.size && plain.data[0] == PERSONS[i][0] && slice_equal_text(plain, PERSONS[i]))
            return 1;
    return 0;
}

enum recognise_kind recognise_value(struct slice key, struct slice value, int of_person) {
    struct slice text = slice_trim(value);
    if (!text.size) return RECOGNISE_NONE;
    if (recognise_is_email(text)) return RECOGNISE_EMAIL;
    if (recognise_is_id_number(text)) return RECOGNISE_ID_NUMBER;
    if (recognise_is_phone(text)) return RECOGNISE_PHONE;
    if (recognise_is_ip(text)) return RECOGNISE_IP;
    if (is_mac(text)) return RECOGNISE_DEVICE;
    return kind_of_name(key, of_person);
}

/* Is the '@' (or "%40") at `at` of `width` bytes the middle of an address? */
static int expand_email(struct slice text, size_t at, size_t width, size_t from,
                        struct slice *ret_found) {
    size_t start = at, end = at + width;
    while (start > from && text.data[start - 1] && is_local(text.data[start - 1]) &&
           !strchr("/=?&'", text.data[start - 1]) && at - start < 64)
        start--;
    while (end < text.size && is_domain(text.data[end])) end++;
    while (end > at + width && (text.data[end - 1] == '.' || text.data[end - 1] == '-')) end--;
    if (start == at) return 0;
    if (!is_domain_name((struct slice){text.data + at + width, end - at - width})) return 0;
    *ret_found = (struct slice){text.data + start, end - start};
    return 1;
}

/* A run of digits with neither a digit nor a letter at its ends. */
static enum recognise_kind kind_of_digits(struct slice text, size_t start, size_t end,
                                          struct slice *ret_found) {
    struct slice run = {text.data + start, end - start};
    if (run.size == 17 && end < text.size && (text.data[end] == 'X' || text.data[end] == 'x'))
        run.size++;
    size_t after = start + run.size;
    int is_word =
        (start > 0 && is_letter(text.data[start - 1])) ||
        (after < text.size && (is_letter(text.data[after]) || is_digit(text.data[after])));
    if (is_word) return RECOGNISE_NONE;
    *ret_found = run;
    if (recognise_is_id_number(run)) return RECOGNISE_ID_NUMBER;
    return recognise_is_phone(run) ? RECOGNISE_PHONE : RECOGNISE_NONE;
}

enum recognise_kind recognise_find(struct slice text, size_t from, struct slice *ret_found) {
    for (size_t i = from; i < text.size; i++) {
        char c = text.data[i];
        if (c == '@' && expand_email(text, i, 1, from, ret_found)) return RECOGNISE_EMAIL;
        if (c == '%' && text.size - i > 3 && memcmp(text.data + i, "%40", 3) == 0 &&
            expand_email(text, i, 3, from, ret_found))
            return RECOGNISE_EMAIL;
        if (!is_digit(c)) continue;
        size_t end = i;
        while (end < text.size && is_digit(text.data[end])) end++;
        enum recognise_kind kind = kind_of_digits(text, i, end, ret_found);
        int is_address = end < text.size && text.data[end] == '@';
        if (kind && !is_address) return kind;
        i = end - 1;
    }
    return RECOGNISE_NONE;
}

struct slice recognise_plain(struct slice text, char ret_text[RECOGNISE_PLAIN_BYTES]) {
    struct slice plain = slice_trim(text);
    if (plain.size > RECOGNISE_PLAIN_BYTES) return plain;
    if (recognise_is_email(plain)) {
        for (size_t i = 0; i < plain.size; i++) ret_text[i] = lower(plain.data[i]);
        return (struct slice){ret_text, plain.size};
    }
    if (recognise_is_phone(plain)) {
        char digits[17];
        int has_plus = 0;
        size_t count = phone_digits(plain, digits, &has_plus), skip = 0, used = 0;
        if (!has_plus && is_chinese_mobile(digits, count)) {
            ret_text[used++] = '8';
            ret_text[used++] = '6';
        } else if (!has_plus && count == 15) {
            skip = 2; /* 0086 */
        }
        memcpy(ret_text + used, digits + skip, count - skip);
        return (struct slice){ret_text, used + count - skip};
    }
    return plain;
}
