package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const patience = 3 * time.Second

// http [PORT]: answer every request with what was seen of it; /fail makes /health fail.
func serveHTTP(arguments []string) {
	name, _ := os.Hostname()
	var broken atomic.Bool
	handler := func(answer http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/fail":
			broken.Store(true)
		case "/mend":
			broken.Store(false)
		case "/health":
			if broken.Load() {
				answer.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(map[string]any{
			"hostname": name, "peer": request.RemoteAddr, "host": request.Host,
			"path": request.URL.Path, "headers": request.Header,
		})
	}
	fmt.Println("serving")
	fail("%v", http.ListenAndServe(":"+argument(arguments, 0, "80"), http.HandlerFunc(handler)))
}

// serve tcp|udp PORT: answer every line, or packet, with the peer's address.
func serve(arguments []string) {
	protocol, where := arguments[0], ":"+arguments[1]
	if protocol == "udp" {
		socket, err := net.ListenPacket("udp", where)
		if err != nil {
			fail("%v", err)
		}
		fmt.Println("serving")
		buffer := make([]byte, 65536)
		for {
			_, peer, err := socket.ReadFrom(buffer)
			if err != nil {
				fail("%v", err)
			}
			_, _ = socket.WriteTo([]byte(peer.String()+"\n"), peer)
		}
	}
	listener, err := net.Listen("tcp", where)
	if err != nil {
		fail("%v", err)
	}
	fmt.Println("serving")
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail("%v", err)
		}
		go func() {
			defer connection.Close()
			lines := bufio.NewScanner(connection)
			for lines.Scan() {
				_, _ = fmt.Fprintln(connection, connection.RemoteAddr())
			}
		}()
	}
}

// talk tcp|udp HOST:PORT [SOURCE:PORT]: say one line, tell what came back or why nothing did.
func talk(arguments []string) {
	dialer := net.Dialer{Timeout: patience}
	var err error
	if source := argument(arguments, 2, ""); source != "" {
		if arguments[0] == "udp" {
			dialer.LocalAddr, err = net.ResolveUDPAddr("udp", source)
		} else {
			dialer.LocalAddr, err = net.ResolveTCPAddr("tcp", source)
		}
		if err != nil {
			fail("%v", err)
		}
	}
	told := map[string]any{"reached": false}
	defer func() { tell(told) }()
	connection, err := dialer.Dial(arguments[0], arguments[1])
	if err != nil {
		told["error"] = err.Error()
		return
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience))
	told["local"] = connection.LocalAddr().String()
	if _, err = fmt.Fprintln(connection, "hello"); err == nil {
		var line string
		line, err = bufio.NewReader(connection).ReadString('\n')
		told["answer"] = strings.TrimSpace(line)
	}
	if err != nil {
		told["error"] = err.Error()
		return
	}
	told["reached"] = true
}

// resolve NAME [SERVER]: look a name up, by the container's own resolver or another one.
func resolve(arguments []string) {
	resolver := &net.Resolver{PreferGo: true}
	if server := argument(arguments, 1, ""); server != "" {
		resolver.Dial = func(ctx context.Context, protocol, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, protocol, net.JoinHostPort(server, "53"))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	addresses, err := resolver.LookupHost(ctx, arguments[0])
	told := map[string]any{"addresses": addresses}
	if err != nil {
		told["error"] = err.Error()
	}
	tell(told)
}

// ask URL [HEADER=VALUE …]: GET it and tell status, headers and text.
func ask(arguments []string) {
	request, err := http.NewRequest(http.MethodGet, arguments[0], nil)
	if err != nil {
		fail("%v", err)
	}
	for _, pair := range arguments[1:] {
		name, value, _ := strings.Cut(pair, "=")
		request.Header.Set(name, value)
	}
	tell(answerTo(request))
}

// token RESOURCE [imds|endpoint] [KEY=VALUE …]: a token as azure-identity asks for one.
func token(arguments []string) {
	form := argument(arguments, 1, "imds")
	url, header := "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01", "Metadata"
	value := "true"
	if form == "endpoint" {
		url = os.Getenv("IDENTITY_ENDPOINT") + "?api-version=2019-08-01"
		header, value = "X-IDENTITY-HEADER", os.Getenv("IDENTITY_HEADER")
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		fail("%v", err)
	}
	query := request.URL.Query()
	query.Set("resource", arguments[0])
	for _, pair := range arguments[min(2, len(arguments)):] {
		name, given, _ := strings.Cut(pair, "=")
		query.Set(name, given)
	}
	request.URL.RawQuery = query.Encode()
	request.Header.Set(header, value)
	tell(answerTo(request))
}

func answerTo(request *http.Request) map[string]any {
	client := http.Client{Timeout: 4 * patience}
	answer, err := client.Do(request)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	told := map[string]any{"status": answer.StatusCode, "headers": answer.Header, "text": string(text)}
	var document any
	if json.Unmarshal(text, &document) == nil {
		told["json"] = document
	}
	return told
}
