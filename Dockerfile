# The service and nothing beside it. Built and checked as docs/operate.md says ("In containers").
#
# The Node.js that it runs on is that of deploy/runtime/package-lock.json, whose hash npm checks, and so are all packages. Pin the
# two images by digest, too (…:tag@sha256:…): that of the last one is what runs, that of the first what fetches.
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS packages
WORKDIR /runtime
COPY deploy/runtime/.npmrc deploy/runtime/package.json deploy/runtime/package-lock.json ./
RUN npm ci --ignore-scripts && cp node_modules/node-linux-*/bin/node /usr/local/bin/catalogue-node
WORKDIR /catalogue
COPY .npmrc package.json package-lock.json ./
# no script of a package runs: that of `node` would fetch what no lock file pins
RUN npm ci --omit=dev --ignore-scripts

FROM ${BASE_IMAGE}
COPY --from=packages /usr/local/bin/catalogue-node /usr/local/bin/node
WORKDIR /catalogue
COPY --from=packages /catalogue/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
# nobody, and nobody else in a cluster that tells users apart by number
USER 10001:10001
ENV HOST=0.0.0.0 PORT=4000 NODE_ENV=production
EXPOSE 4000
# by what is there: neither curl nor a shell is needed
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# the first process of a container gets the signals, and Node has handlers for them
ENTRYPOINT ["node"]
CMD ["src/main.ts"]
