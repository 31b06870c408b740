import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { READ_PATHS, sharedPath } from "../../support/service/read-paths.ts";
import { sharedService, startService } from "../../support/service/service.ts";
import { EMOJI } from "../titles.ts";

const shared = sharedService();

const FORM = `query Form($title: String!) {
  bookEditForm(title: $title) {
    book { id title version }
    mutation
    fields { name label inputType value required readOnly minLength maxLength min max pattern helpText message }
    jsonSchema
    uiSchema
    formData
  }
}`;

const FULL = {
  ...{ author: "Author Name", publishedDate: "2024-01-01", isbn: "1234567890", language: "en-GB" },
  ...{ description: "One line.\nAnother\tone.", coverUrl: "https://example.org/cover.jpg", stockQuantity: 10 },
};
const NOTHING = { publishedDate: null, isbn: null, language: null, description: null, coverUrl: null };

/** Ajv as react-jsonschema-form sets it up. */
function compile(jsonSchema: object) {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
  addFormats.default(ajv);
  return ajv.compile(jsonSchema);
}

describe.each(READ_PATHS)("bookEditForm when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("holds the book's values as they are, and null when there is no such book", async () => {
    const { service, ask } = shared();
    await service.addBook("A", FULL);
    await service.updateBook("A", {});
    const form = (await ask(FORM, { variables: { title: " A " } })).data.bookEditForm;
    expect(form.book).toMatchObject({ title: "A", version: 2 });
    expect(form.mutation).toBe("updateBook");
    expect(form.formData).toEqual({ title: "A", ...FULL, expectedVersion: 2 });
    const values = Object.fromEntries(
      form.fields.map(({ name, value }: { name: string; value: unknown }) => [name, value]),
    );
    expect(values).toEqual({ title: "A", ...FULL, stockQuantity: "10", expectedVersion: "2" });

    await service.updateBook("A", NOTHING);
    const emptied = (await ask(FORM, { variables: { title: "A" } })).data.bookEditForm;
    expect(emptied.formData).toMatchObject({ ...NOTHING, expectedVersion: 3 });
    for (const title of ["B", "", "\uD800", "\0"]) {
      expect((await ask(FORM, { variables: { title } })).data.bookEditForm).toBeNull();
    }
  });
});

describe("the fields of bookEditForm", () => {
  test("are those of the mutation's input, with the rules that it applies", async () => {
    const service = shared();
    await service.addBook("A", FULL);
    const { data } = await service.ask(FORM, { variables: { title: "A" } });
    const { fields, jsonSchema, uiSchema } = data.bookEditForm;
    expect(fields).toMatchObject([
      { name: "title", label: "Title", inputType: "text", required: true, minLength: 1, maxLength: 512 },
      { name: "author", label: "Author", inputType: "text", required: true, minLength: 1, maxLength: 1024 },
      { name: "publishedDate", inputType: "date", required: false },
      { name: "isbn", label: "ISBN", inputType: "text", required: false, helpText: expect.stringContaining("hyphens") },
      { name: "language", label: "Language", inputType: "text", required: false },
      { name: "description", inputType: "textarea", required: false, minLength: 1, maxLength: 10_000 },
      { name: "coverUrl", label: "Cover", inputType: "url", required: false, maxLength: 2048 },
      { name: "stockQuantity", inputType: "number", required: true, min: 0, max: 2147483647 },
      { name: "expectedVersion", inputType: "hidden", readOnly: true, min: null, max: null },
    ]);
    const input = await service.ask('{ __type(name: "UpdateBookInput") { inputFields { name } } }');
    const names = input.data.__type.inputFields.map(({ name }: { name: string }) => name);
    expect(fields.map(({ name }: { name: string }) => name)).toEqual(names);
    expect(Object.keys(jsonSchema.properties)).toEqual(names);
    expect(uiSchema["ui:order"]).toEqual(names);
  });

  test("say in words what is refused, to react-jsonschema-form as well", async () => {
    const service = shared();
    await service.addBook("A", FULL);
    const { fields, uiSchema } = (await service.ask(FORM, { variables: { title: "A" } })).data.bookEditForm;
    for (const { name, message, readOnly } of fields) {
      if (readOnly) continue;
      expect(message, name).toMatch(/^must /);
      expect(uiSchema[name]["ui:message"]).toBe(message);
    }
  });

  test("have patterns that HTML takes and that match what JSON Schema matches", async () => {
    const service = shared();
    await service.addBook("A", FULL);
    const { fields, jsonSchema } = (await service.ask(FORM, { variables: { title: "A" } })).data.bookEditForm;
    const accepts = compile(jsonSchema);
    for (const { name, pattern } of fields) {
      if (pattern === null) continue;
      const html = new RegExp(`^(?:${pattern})$`, "v");
      for (const value of [
        "A",
        "a b",
        EMOJI.repeat(512),
        "",
        " ",
        "\0",
        "2024-02-29",
        "0000-01-01",
        "123-456789X",
        "123\u2014\uFF14567890",
        "two\r\nlines\n",
        "x\r\n".repeat(10_001),
        "en-GB",
        "en_GB",
        "https://example.org:65535/\u00E4?b={",
        "https://example.org/\u00E4?b=[1]#c",
        "https://example.org:65536",
      ]) {
        expect(html.test(value), `${name} ${value}`).toBe(accepts({ [name]: value }));
      }
    }
  });
});

describe("the form data of bookEditForm", () => {
  test("is an input of updateBook as it is, once", async () => {
    const service = shared();
    for (const fields of [FULL, NOTHING]) {
      const { title, version } = (await service.addBook(`A${Object.keys(fields).length}`, fields)).data.addBook;
      const { formData, jsonSchema } = (await service.ask(FORM, { variables: { title } })).data.bookEditForm;
      expect(compile(jsonSchema)(formData)).toBe(true);
      expect((await service.updateBook(title, formData)).data.updateBook).toMatchObject({
        ...fields,
        version: version + 1,
      });
      expect((await service.updateBook(title, formData)).data.updateBook.__typename).toBe("VersionConflictError");
    }
  });
});

describe("the UI schema of bookEditForm", () => {
  test("lets an emptied input clear what may be empty, and fail where something must be", async () => {
    const service = shared();
    await service.addBook("A", FULL);
    const { formData, fields, jsonSchema, uiSchema } = (await service.ask(FORM, { variables: { title: "A" } })).data
      .bookEditForm;
    const accepts = compile(jsonSchema);
    for (const { name, required, readOnly } of fields) {
      if (readOnly) {
        expect(uiSchema[name]).toMatchObject({ "ui:widget": "hidden" });
        continue;
      }
      const emptied = { ...formData, [name]: uiSchema[name]["ui:emptyValue"] };
      // left out, an emptied title would silently stay as it was
      expect(emptied[name]).toBeDefined();
      expect(accepts(emptied), name).toBe(!required);
    }
  });
});

const LANGUAGES = [
  ...["en", "EN", "eng", "en-GB", "en-gb", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-1996", "x".repeat(5), "und"],
  ...[
    "en-x-private",
    "en-x-a-b",
    "x-private",
    " en ",
    "e",
    "abcd",
    "en_GB",
    "en-",
    "-en",
    "en--GB",
    "en-GB-US",
    "en-u-ca-gregory",
  ],
  ...[
    "abcdefghi",
    "en-\u00E4\u00E4",
    "\uFF45\uFF4E",
    "",
    " ",
    "en\0",
    "en GB",
    "en,de",
    "i-klingon",
    "englisch",
    "123",
  ],
  ...[`en-x-${"a-".repeat(47)}a`, `en-x-${"a-".repeat(48)}a`, null, 1, true, [], {}],
];

const COVERS = [
  ...["https://example.org", "https://example.org/", " https://example.org/a.jpg\n", "https://localhost:8443/a?b#c"],
  ...["https://a-b.example.co.uk/\u00E4/%20(1)?q=[a]&b='c'", "https://192.168.0.1/x", "https://xn--bcher-kva.example/"],
  ...["https://example.org:0", "https://example.org:65535", "https://example.org:65536", "https://example.org:"],
  ...[
    "http://example.org",
    "HTTPS://example.org",
    "//example.org",
    "https:example.org",
    "https:///a",
    "https://",
    "example.org",
  ],
  ...[
    "https://u:p@example.org/",
    "https://example.org\\@evil.example",
    "https://exa mple.org",
    "https://example.org/a b",
  ],
  ...[
    "https://example.org/\0",
    "https://example.org/\u202E",
    'https://example.org/"',
    "https://example.org/<b>",
    "https://-a.example",
  ],
  ...[
    "https://a..b",
    "https://256.1.1.1",
    "https://1.2.3",
    "https://[::1]/",
    "https://b\u00FCcher.example/",
    "javascript:alert(1)",
  ],
  ...["data:image/png;base64,AAAA", "ftp://example.org/", "", " ", "\uD800", "https://example.org/\uDC00"],
  ...[`https://example.org/${"a".repeat(2028)}`, `https://example.org/${"a".repeat(2029)}`],
  ...[`https://example.org/${EMOJI.repeat(2028)}`, `https://example.org/${EMOJI.repeat(2029)}`, null, 1, true, [], {}],
];

describe("the JSON Schema of bookEditForm", () => {
  test("is draft-07 and accepts exactly what updateBook accepts", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const { jsonSchema } = (await service.ask(FORM, { variables: { title: "A" } })).data.bookEditForm;
    expect(jsonSchema.$schema).toBe("http://json-schema.org/draft-07/schema#");
    const accepts = compile(jsonSchema);

    const texts = (most: number) => [
      "x",
      "x".repeat(most),
      "x".repeat(most + 1),
      EMOJI.repeat(most),
      EMOJI.repeat(most + 1),
      ` ${"x".repeat(most)} `,
      ` ${"x".repeat(most)} x`,
      `x${" ".repeat(most - 2)}x`,
      `x${" ".repeat(most - 1)}x`,
      " ".repeat(most + 1),
      ...["", " ", "\t", "\u00A0\uFEFF", " a ", "\ta\n", "a\tb", "a\nb", "a b", "a\u0085", "\u0085a", "a\0", "\0"],
      ...["\u007F", "a\u009Fb", "\u200B", "\uD800", "a\uDC00", "\uDC00\uD800", "__proto__", null, 1, true, [], {}],
      ...["\u2028", "a\u2028b", "\u2028a", "\u180Ea", "\uFFFE"],
    ];
    const table: Record<string, readonly unknown[]> = {
      title: texts(512),
      author: texts(1024),
      publishedDate: [
        ...[
          "2024-02-29",
          "2023-02-29",
          "2023-02-28",
          "1900-02-29",
          "2000-02-29",
          "0000-01-01",
          "0001-01-01",
          "9999-12-31",
        ],
        ...[
          "2023-13-01",
          "2023-00-10",
          "2023-01-00",
          "2023-01-32",
          "2023-04-31",
          "23-01-01",
          "02023-01-01",
          "+2023-01-01",
        ],
        ...[
          "2023-1-1",
          " 2023-01-01",
          "2023-01-01 ",
          "2023-01-01\n",
          "2023-01-01T00:00:00Z",
          "2023-01-01Z",
          "20230101",
        ],
        ...[
          "",
          "today",
          "\u0662\u0660\u0662\u0663-01-01",
          null,
          0,
          20230101,
          1672531200000,
          true,
          [],
          ["2023-01-01"],
          {},
        ],
      ],
      isbn: [
        ...[
          "1234567890",
          "123456789X",
          "123456789x",
          "1234567890123",
          "123-456-789-X",
          "978 0 306 40615 7",
          "  1234567890  ",
        ],
        ...[
          "123\u2010456\u2013789\u30FC0",
          "\u2014123456789\uFF38\u301C",
          "\uFF11\uFF12\uFF13456789\uFF58",
          "\uFF38123456789",
        ],
        ...["978\u2212030640615", "\uFF11\uFF12\uFF13\uFF14\uFF15\uFF16\uFF17\uFF18\uFF19\uFF10123", "\uFF0F123456789"],
        ...["-1234567890-", "12\t34567890", "12\u00A034567890", "1--2--3 4567890", "123456789012X", "12345678901234"],
        ...[
          "123456789",
          "12345678901",
          "123456789012",
          "",
          " ",
          "-",
          "X123456789",
          "123456789XX",
          "123456789Y",
          "ABCDEFGHIJ",
        ],
        ...[
          "1234567890\0",
          "\u0661234567890",
          "\u00BD234567890",
          "123456789\u2169",
          null,
          1234567890,
          1234567890123,
          true,
          [],
          {},
        ],
      ],
      stockQuantity: [0, 1, 2147483647, 2147483648, -1, -0, 1.5, 1e3, 1e21, null, "1", "", true, false, [], [1], {}],
      language: LANGUAGES,
      description: [
        ...texts(10_000),
        ...["a\r\n".repeat(5_000), "a\r\n".repeat(5_001), "a\rb\r\nc\n\nd", "\r\n", "a\u000Bb", "\na\n", "a\0\n"],
      ],
      coverUrl: COVERS,
      expectedVersion: [
        ...[null, 0, 1, -1, -0, 2147483648, 2 ** 53 - 1, 2 ** 53, 1e300, -2147483649, 1.5, "1", "", true, [], {}],
      ],
      id: ["x", null],
      version: [1, null],
      "": [1],
    };
    for (const [name, values] of Object.entries(table)) {
      for (const value of values) {
        const title = `t${Math.random()}`;
        await service.addBook(title);
        const input = { [name]: value };
        const { data, errors } = await service.send(
          `mutation ($title: String!, $input: UpdateBookInput!) {
            updateBook(title: $title, input: $input) { __typename ... on Error { message } }
          }`,
          { variables: { title, input } },
        );
        const typename = data?.updateBook.__typename;
        if (errors) expect(errors[0].extensions.code, JSON.stringify(input)).toBe("BAD_USER_INPUT");
        else
          expect(["Book", "ValidationError", "VersionConflictError", "TitleTakenError", "IsbnTakenError"]).toContain(
            typename,
          );
        // whether the version fits or something is taken is no matter of a schema
        const accepted = !errors && typename !== "ValidationError";
        expect(accepts(input), `${JSON.stringify(input).slice(0, 200)} -> ${typename} ${errors?.[0].message}`).toBe(
          accepted,
        );
      }
    }
    expect(accepts({})).toBe(true);
  });
});

describe("bookAddForm", () => {
  const ADD_FORM = `{ bookAddForm { mutation fields { name value required readOnly } jsonSchema uiSchema formData } }`;

  test("has the fields of the mutation's input, and what they are unless somebody says otherwise", async () => {
    const service = shared();
    const { data, consistency } = await service.ask(ADD_FORM);
    const { mutation, fields, uiSchema, formData } = data.bookAddForm;
    expect(mutation).toBe("addBook");
    expect(formData).toEqual({ title: "", author: "", ...NOTHING, stockQuantity: 0 });
    const input = await service.ask('{ __type(name: "AddBookInput") { inputFields { name } } }');
    const names = input.data.__type.inputFields.map(({ name }: { name: string }) => name);
    expect(fields.map(({ name }: { name: string }) => name)).toEqual(names);
    expect(uiSchema["ui:order"]).toEqual(names);
    const required = fields.filter((field: { required: boolean }) => field.required);
    expect(required.map(({ name }: { name: string }) => name)).toEqual(["title", "author"]);
    // nothing is read for it
    expect(consistency).toBeUndefined();
  });

  test("accepts what addBook accepts, and nothing else", async () => {
    const service = shared();
    const { jsonSchema, formData } = (await service.ask(ADD_FORM)).data.bookAddForm;
    const accepts = compile(jsonSchema);
    for (const input of [
      { ...formData, title: "A", author: "B" },
      { ...FULL, title: "C" },
      { title: "D", author: "E", stockQuantity: null },
      formData,
      { ...formData, title: "F" },
      { title: "G", author: "H", isbn: "12345" },
      { title: "I", author: "J", stockQuantity: -1 },
      { title: "K", author: "L", language: "en_GB" },
    ]) {
      const { data } = await service.ask(
        "mutation ($input: AddBookInput!) { addBook(input: $input) { __typename ... on ValidationError { message } } }",
        { variables: { input } },
      );
      expect(accepts(input), JSON.stringify(input)).toBe(data.addBook.__typename === "Book");
    }
  });
});
